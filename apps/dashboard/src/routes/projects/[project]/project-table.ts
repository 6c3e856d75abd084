import type { Run } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'
import { capOfNorm } from '#lib/format/clip.ts'
import { configWords } from '#lib/format/config.ts'
import { count, figure, multiple, percent } from '#lib/format/number.ts'
import { latestLoss, worstPart } from '#lib/format/run-parts.ts'
import { HEALTHS, matches, NO_FILTERS, rank } from '#lib/state/filters.ts'

type Cell = number | string | null

/** A column of a project's table: `config:lr`, `metric:loss`, or one that every table has. */
export interface Column {
  readonly key: string
  readonly title: string
  /** What it is sorted by; `null` where the run has none. */
  readonly valueOf: (run: Run) => Cell
  readonly wordsOf: (run: Run) => string
}

/** What a person has chosen to see; in the address it is a view that can be kept and sent. */
export interface TableView {
  /** Keys of the columns that are added to those of every table. */
  readonly columns: readonly string[]
  readonly sort: string
  readonly isDown: boolean
  /** The config key whose values make groups; empty for none. */
  readonly group: string
  /** Words that a run's name, tags or id have. */
  readonly search: string
  /** The health that is shown; empty for all. */
  readonly health: string
}

export const FIRST_VIEW: TableView = {
  columns: [],
  sort: 'health',
  isDown: false,
  group: '',
  search: '',
  health: '',
}
const MOST_COLUMNS = 12

export function viewOfAddress(params: Pick<URLSearchParams, 'get' | 'getAll'>): TableView {
  const sort = params.get('sort')?.slice(0, 256) ?? ''
  return {
    columns: [...new Set(params.getAll('column'))].filter(isAdded).slice(0, MOST_COLUMNS),
    sort: sort.replace(/^-/, '') || FIRST_VIEW.sort,
    isDown: sort.startsWith('-'),
    group: params.get('group')?.slice(0, 256) ?? '',
    search: params.get('q')?.slice(0, 256) ?? '',
    health: HEALTHS.find((health) => health === params.get('health')) ?? '',
  }
}

export function addressOfView({ columns, sort, isDown, group, search, health }: TableView): string {
  const query = new URLSearchParams(columns.map((key) => ['column', key]))
  if (sort !== FIRST_VIEW.sort || isDown) query.set('sort', `${isDown ? '-' : ''}${sort}`)
  if (group !== '') query.set('group', group)
  if (search !== '') query.set('q', search)
  if (health !== '') query.set('health', health)
  return query.toString()
}

const isAdded = (key: string) => /^(config|metric):./.test(key) && key.length <= 300

/** The runs that a view's search and health let through. */
export function filtered(runs: readonly Run[], { search, health }: TableView): Run[] {
  return runs.filter((run) => matches(run, { ...NO_FILTERS, q: search, health }))
}

/** The columns of a view, those of every table first. */
export function columnsOf({ columns }: TableView): Column[] {
  return [...BASE, ...columns.map(addedColumn)]
}

/** What can be added as a column: config keys of the runs, and what they log. */
export function choicesOf(runs: readonly Run[]): { config: string[]; metrics: string[] } {
  const names = (of: (run: Run) => readonly string[]) => [...new Set(runs.flatMap(of))].sort(byWords.compare)
  return {
    config: names(({ config }) => [...flat(config).keys()]),
    metrics: names(({ latest }) => Object.keys(latest)),
  }
}

/** Config keys in which the runs differ: what a sweep can be grouped by. */
export function differingKeys(runs: readonly Run[]): string[] {
  const configs = runs.map(({ config }) => flat(config))
  return choicesOf(runs).config.filter(
    (key) => new Set(configs.map((config) => configWords(config.get(key)))).size > 1,
  )
}

/** The runs in the order of a column, those without a value last whichever way it goes. */
export function sorted(runs: readonly Run[], { valueOf }: Column, isDown: boolean): Run[] {
  const values = new Map(runs.map((run) => [run, valueOf(run)]))
  return [...runs].sort((a, b) => compareCells(values.get(a) ?? null, values.get(b) ?? null, isDown))
}

/**
 * The runs by the value of a config key, in the order of the values or the other way round; one group without a name where no
 * key is chosen.
 */
export function groupsOf(
  runs: readonly Run[],
  key: string,
  isDown: boolean,
): { name: string; runs: Run[] }[] {
  if (key === '') return [{ name: '', runs: [...runs] }]
  const groups = new Map<string, Run[]>()
  for (const run of runs) {
    const name = configWords(flat(run.config).get(key))
    groups.set(name, [...(groups.get(name) ?? []), run])
  }
  const order = (name: string): Cell => (name === '–' ? null : asCell(name))
  return [...groups]
    .map(([name, members]) => ({ name, runs: members }))
    .sort((a, b) => compareCells(order(a.name), order(b.name), isDown))
}

const norm = (run: Run) => decodeNumber(worstPart(run).latest['grad_norm']) ?? null
const capOf = (run: Run) => capOfNorm(worstPart(run).clip)
const rate = (run: Run) => worstPart(run).clipping.rate
const loss = (run: Run) => latestLoss(run) ?? null
const orDash = (value: number | null, words: (value: number) => string) =>
  value === null ? '–' : words(value)

const BASE: readonly Column[] = [
  { key: 'health', title: 'Health', valueOf: rank, wordsOf: ({ health }) => health },
  { key: 'name', title: 'Run', valueOf: ({ name }) => name, wordsOf: ({ name }) => name },
  {
    key: 'norm',
    title: 'Norm, × cap',
    // As it is shown: runs of other caps are compared by how far they are above their own.
    valueOf: (run) => {
      const value = norm(run)
      return value === null ? null : value / (capOf(run) ?? 1)
    },
    wordsOf: (run) => {
      const cap = capOf(run)
      return orDash(norm(run), (value) => (cap === null ? figure(value) : multiple(value, cap)))
    },
  },
  { key: 'clipped', title: 'Clipped', valueOf: rate, wordsOf: (run) => orDash(rate(run), percent) },
  { key: 'loss', title: 'Loss', valueOf: loss, wordsOf: (run) => orDash(loss(run), figure) },
  {
    key: 'steps',
    title: 'Last step',
    valueOf: (run) => run.last_step,
    wordsOf: (run) => orDash(run.last_step, count),
  },
]

function addedColumn(key: string): Column {
  const name = key.slice(key.indexOf(':') + 1)
  if (key.startsWith('config:')) {
    const valueOf = (run: Run) => flat(run.config).get(name)
    return {
      key,
      title: name,
      valueOf: (run) => (valueOf(run) === undefined ? null : asCell(configWords(valueOf(run)))),
      wordsOf: (run) => configWords(valueOf(run)),
    }
  }
  const valueOf = (run: Run) => decodeNumber(run.latest[name]) ?? null
  return { key, title: name, valueOf, wordsOf: (run) => orDash(valueOf(run), (value) => figure(value)) }
}

const byWords = new Intl.Collator('en', { numeric: true })

function compareCells(a: Cell, b: Cell, isDown: boolean): number {
  const isAbsent = (cell: Cell) => cell === null || Number.isNaN(cell)
  if (isAbsent(a) || isAbsent(b)) return Number(isAbsent(a)) - Number(isAbsent(b))
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : byWords.compare(String(a), String(b))
  return isDown ? -order : order
}

/** A number where the words are one. */
const asCell = (words: string): Cell =>
  words.trim() !== '' && Number.isFinite(Number(words)) ? Number(words) : words

/** A config by dotted keys: `optim.lr`. */
function flat(config: Readonly<Record<string, unknown>>, prefix = ''): Map<string, unknown> {
  return new Map(
    Object.entries(config).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? [...flat(value as Record<string, unknown>, `${prefix}${key}.`)]
        : [[prefix + key, value] as const],
    ),
  )
}
