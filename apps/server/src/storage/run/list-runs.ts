import type { ListedRun, RunningRun, RunQuery } from '../store.ts'
import { among, fromCursor, given, pageOf, where, type Condition, type Likeness } from '../list-query.ts'
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

/** A statement that lists runs, which begins with `select`, and the reply that its rows make. */
export function runsQuery<Row extends ListKey>(
  dialect: ListDialect,
  query: RunQuery,
  select: string,
  listedOf: (row: Row) => ListedRun,
) {
  const sort = query.sort ?? 'attention'
  const order = orders[sort]
  const filter = where([...filtersOf(dialect, query), behind(sort, query.cursor)])
  const orderBy = order.map(({ field, isDown }) => `runs.${RUN_COLUMNS[field]}${isDown ? ' desc' : ''}`)
  return {
    sql: `${select} ${filter.sql} order by ${orderBy.join(', ')} limit ?`,
    values: [...filter.values, query.limit + 1],
    reply(rows: readonly Row[]): { runs: ListedRun[]; next_cursor: string | null } {
      const { page, next_cursor } = pageOf(rows, query.limit, (last) => [
        sort,
        ...order.map(({ field }) => last[field]),
      ])
      return { runs: page.map(listedOf), next_cursor }
    },
  }
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
