import type { Database } from 'better-sqlite3'
import type { ListedRun, RunQuery } from '../../store.ts'
import { fromCursor, given, toCursor, where, type Condition } from '../engine/list-query.ts'
import { RUN_COLUMNS, SELECT_RUN, toListedRun, type RunRow } from './run-table.ts'

type OrderField = 'attention' | 'createdAt' | 'updatedAt' | 'name' | 'key'
interface OrderBy {
  readonly field: OrderField
  readonly isDown: boolean
}

/** The columns that order a list; the key breaks ties, newest first. Each order has an index of its own. */
const orders: Readonly<Record<NonNullable<RunQuery['sort']>, readonly OrderBy[]>> = {
  attention: [
    { field: 'attention', isDown: false },
    { field: 'createdAt', isDown: true },
    { field: 'key', isDown: true },
  ],
  updated: [
    { field: 'updatedAt', isDown: true },
    { field: 'key', isDown: true },
  ],
  created: [
    { field: 'createdAt', isDown: true },
    { field: 'key', isDown: true },
  ],
  name: [
    { field: 'name', isDown: false },
    { field: 'key', isDown: true },
  ],
}

type ListRow = RunRow & { readonly notes: string; readonly config?: string }

const select = (withConfig: boolean) =>
  `select ${SELECT_RUN}, ${withConfig ? 'config, ' : ''}notes from runs join run_documents on run_documents.run = runs.key`

export function listRuns(db: Database, query: RunQuery): { runs: ListedRun[]; next_cursor: string | null } {
  const sort = query.sort ?? 'attention'
  const order = orders[sort]
  const filter = where([...filtersOf(query), behind(sort, query.cursor)])
  const orderBy = order.map(({ field, isDown }) => `runs.${RUN_COLUMNS[field]}${isDown ? ' desc' : ''}`)
  const rows = db
    .prepare<(string | number)[], ListRow>(
      `${select(query.withConfig ?? false)} ${filter.sql} order by ${orderBy.join(', ')} limit ?`,
    )
    .all(...filter.values, query.limit + 1)
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  return {
    runs: page.map(toListed),
    next_cursor:
      rows.length > page.length && last ? toCursor([sort, ...order.map(({ field }) => last[field])]) : null,
  }
}

/** Every run that is running, the newest first. */
export const listRunning = (db: Database): ListedRun[] =>
  db
    .prepare<[], ListRow>(
      `${select(false)} where runs.status = 'running' order by runs.created_at desc, runs.key desc`,
    )
    .all()
    .map(toListed)

const toListed = (row: ListRow): ListedRun => toListedRun(row, row.notes, row.config)

const filtersOf = ({ project, status, health, q, tag }: RunQuery): (Condition | undefined)[] => [
  // the plus keeps the index of the order in use, where a project's would sort all its runs
  given('+runs.project = ?', project),
  given('runs.status = ?', status),
  given('runs.health = ?', health),
  given('instr(runs.search, ?) > 0', q?.toLowerCase()),
  // the text first: most runs lack it, and looking is cheaper than parsing
  given('instr(runs.tags, ?) > 0', tag === undefined ? undefined : JSON.stringify(tag)),
  given('exists (select 1 from json_each(runs.tags) where value = ?)', tag),
]

/** The rows behind the cursor's: for each column of the order, those before it equal and its own further on. */
function behind(sort: keyof typeof orders, cursor: string | undefined): Condition | undefined {
  if (cursor === undefined) return undefined
  const order = orders[sort]
  const types = order.map(({ field }) => (field === 'name' ? 'string' : 'number'))
  const at = fromCursor(cursor, sort, types)
  const alternatives = order.map(({ field, isDown }, i) => {
    const equal = order.slice(0, i).map((other) => `runs.${RUN_COLUMNS[other.field]} = ?`)
    return [...equal, `runs.${RUN_COLUMNS[field]} ${isDown ? '<' : '>'} ?`].join(' and ')
  })
  return {
    sql: `(${alternatives.map((alternative) => `(${alternative})`).join(' or ')})`,
    values: order.flatMap((_, i) => at.slice(0, i + 1)),
  }
}
