import type { ListedRun, RunningRun, RunQuery } from '../store.ts'
import {
  among,
  anyOf,
  fromCursor,
  given,
  pageOf,
  where,
  type Condition,
  type CursorValue,
  type Likeness,
} from '../list-query.ts'
import { conditionsOf, RUN_COLUMNS, SELECT_RUN, toListedRun, type RunRow } from './run-row.ts'

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

export type ListRow = RunRow & { readonly notes: string; readonly config?: string }

/** What differs between engines. Values are `?`. */
export interface ListDialect {
  readonly like: Likeness
  /** The run that a row of `run_documents` belongs to, in `runs`. */
  readonly owner: string
  /** The project's column, such that its index is not used: the order's index is. */
  readonly project: string
  /** Whether a column contains a text. */
  readonly contains: (column: string) => string
  /** Whether the list of tags, as JSON, has one. */
  readonly hasTag: string
}

export const selectListed = (dialect: ListDialect, withConfig = false): string =>
  `select ${SELECT_RUN}, ${withConfig ? 'config, ' : ''}notes from runs join run_documents on run_documents.run = ${dialect.owner}`

/** What tells whether a run is as it was when a list showed it last, and what orders a list. */
export type ListKey = Pick<RunRow, 'key' | 'id' | 'version' | OrderField>
const KEY_FIELDS = [
  'key',
  'id',
  'version',
  'createdAt',
  'updatedAt',
  'name',
  'attention',
] as const satisfies readonly (keyof ListKey)[]

export const SELECT_KEYS = `select ${KEY_FIELDS.map((field) => `runs.${RUN_COLUMNS[field]} as "${field}"`).join(', ')} from runs`

/** Where a run stands in a list: its values of the columns that order it. */
export type RunPlace = readonly CursorValue[]

/** So many of the runs behind a place, or from the beginning of the list. */
export interface RunsWindow {
  readonly from: RunPlace | undefined
  readonly rows: number
}

const DEFAULT_SORT = 'attention'
const orderOf = ({ sort = DEFAULT_SORT }: RunQuery): readonly OrderBy[] => orders[sort]
const orderBy = (order: readonly OrderBy[]): string =>
  `order by ${order.map(({ field, isDown }) => `runs.${RUN_COLUMNS[field]}${isDown ? ' desc' : ''}`).join(', ')}`

/**
 * A statement that lists the runs behind the query's cursor, or those of a window, one more than the page has. It begins with
 * `select`.
 */
export function runsQuery(dialect: ListDialect, query: RunQuery, select: string, window?: RunsWindow) {
  const order = orderOf(query)
  const place = window === undefined ? behind(order, cursorPlace(query)) : within(order, window)
  const filter = where([...filtersOf(dialect, query), place])
  return {
    sql: `${select} ${filter.sql} ${orderBy(order)} limit ?`,
    values: [...filter.values, query.limit + 1],
  }
}

/** The reply that these runs make, of which there are more than the query's limit if there is another page. */
export function runsPage(
  query: RunQuery,
  found: readonly { readonly row: ListKey; readonly listed: ListedRun }[],
): { runs: ListedRun[]; next_cursor: string | null } {
  const { sort = DEFAULT_SORT, limit } = query
  const { page, next_cursor } = pageOf(found, limit, ({ row }) => [sort, ...placeOfRow(query, row)])
  return { runs: page.map(({ listed }) => listed), next_cursor }
}

/** Whether few of very many runs may match, so that a page is not found among the first. */
export const isSelective = ({ projects = 'all', project, status, health, q, tag }: RunQuery): boolean =>
  projects !== 'all' || [project, status, health, q, tag].some((filter) => filter !== undefined)

/** A statement for the last of the runs of a window, with what `placeOfRow` needs; there is none if the window has fewer rows. */
export function lastOfWindow(query: RunQuery, { from, rows }: RunsWindow) {
  const order = orderOf(query)
  const columns = order.map(({ field }) => `runs.${RUN_COLUMNS[field]} as "${field}"`)
  const { sql, values } = ahead(order, columns.join(', '), { from, rows })
  return { sql: `${sql} limit 1 offset ?`, values: [...values, rows - 1] }
}

export const placeOfRow = (query: RunQuery, row: Pick<ListKey, OrderField>): RunPlace =>
  orderOf(query).map(({ field }) => row[field])

/** The place that the query's cursor stands for, if it has one. Throws `BadCursor`. */
export function cursorPlace(query: RunQuery): RunPlace | undefined {
  const { sort = DEFAULT_SORT, cursor } = query
  if (cursor === undefined) return undefined
  const types = orderOf(query).map(({ field }) => (field === 'name' ? 'string' : 'number'))
  return fromCursor(cursor, sort, types)
}

export type RunningRow = Pick<RunRow, 'key' | 'id' | 'createdAt' | 'lastArrival' | 'conditions'>

/** A statement that lists the runs that are running, the newest first, and the reply that its rows make. */
export function runningQuery({
  limit,
  cursor,
}: {
  readonly limit: number
  readonly cursor?: string | undefined
}) {
  const filter = where([
    { sql: "status = 'running'", values: [] },
    cursor === undefined
      ? undefined
      : { sql: '(created_at, key) < (?, ?)', values: fromCursor(cursor, 'running', ['number', 'number']) },
  ])
  return {
    sql: `select key, id, created_at as "createdAt", last_arrival as "lastArrival", conditions from runs ${filter.sql}
      order by created_at desc, key desc limit ?`,
    values: [...filter.values, limit + 1],
    reply(rows: readonly RunningRow[]): { runs: RunningRun[]; next_cursor: string | null } {
      const { page, next_cursor } = pageOf(rows, limit, (last) => ['running', last.createdAt, last.key])
      const runs = page.map((row) => ({
        id: row.id,
        last_arrival: row.lastArrival,
        conditions: conditionsOf(row),
      }))
      return { runs, next_cursor }
    },
  }
}

export const toListed = (row: ListRow): ListedRun => toListedRun(row, row.notes, row.config)

const filtersOf = (
  dialect: ListDialect,
  { project, projects, status, health, q, tag }: RunQuery,
): (Condition | undefined)[] => [
  given(`${dialect.project} = ?`, project),
  among(dialect.like, dialect.project, projects),
  given('runs.status = ?', status),
  given('runs.health = ?', health),
  given(dialect.contains('runs.search'), q?.toLowerCase()),
  // the text search first: most runs do not match, and it is cheaper than parsing JSON
  given(dialect.contains('runs.tags'), tag === undefined ? undefined : JSON.stringify(tag)),
  given(dialect.hasTag, tag),
]

/**
 * The runs behind a place, as ranges of the order's index, the nearest first: those with all columns but the last equal and that one
 * further on, then those with one column less equal, and so on.
 */
function rangesBehind(order: readonly OrderBy[], place: RunPlace): Condition[] {
  const ranges = order.map(({ field, isDown }, i) => {
    const equal = order.slice(0, i).map((other) => `runs.${RUN_COLUMNS[other.field]} = ?`)
    const sql = [...equal, `runs.${RUN_COLUMNS[field]} ${isDown ? '<' : '>'} ?`].join(' and ')
    return { sql, values: place.slice(0, i + 1) }
  })
  return ranges.reverse()
}

const behind = (order: readonly OrderBy[], place: RunPlace | undefined): Condition | undefined =>
  place && anyOf(rangesBehind(order, place))

const within = (order: readonly OrderBy[], window: RunsWindow): Condition => {
  const { sql, values } = ahead(order, 'runs.key', window)
  return { sql: `runs.key in (${sql} limit ?)`, values: [...values, window.rows] }
}

/** A statement for the runs behind a place, in order and without a limit; it looks at the index alone, range by range. */
function ahead(order: readonly OrderBy[], columns: string, { from, rows }: RunsWindow): Condition {
  const ranges = from === undefined ? [undefined] : rangesBehind(order, from)
  const pieces = ranges.map((range) => {
    const { sql, values } = where([range])
    return {
      sql: `select * from (select ${columns} from runs ${sql} ${orderBy(order)} limit ?)`,
      values: [...values, rows],
    }
  })
  return {
    sql: pieces.map(({ sql }) => sql).join(' union all '),
    values: pieces.flatMap(({ values }) => values),
  }
}
