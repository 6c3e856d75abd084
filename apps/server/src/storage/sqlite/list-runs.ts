import { and, asc, desc, eq, sql, type SQL, type SQLWrapper } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { RunQuery, StoredRun } from '../store.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { toRun, type RunRow } from './run-row.ts'
import { runDocuments, runs } from './tables.ts'

/** The columns that order a list, each with its direction; the key breaks ties, newest first. */
const orders = {
  attention: [
    { field: 'attention', isDown: false },
    { field: 'createdAt', isDown: true },
  ],
  updated: [{ field: 'updatedAt', isDown: true }],
  created: [{ field: 'createdAt', isDown: true }],
  name: [{ field: 'name', isDown: false }],
} as const satisfies Record<string, readonly { field: keyof RunRow; isDown: boolean }[]>

const tie = { field: 'key', isDown: true } as const

export function listRuns(
  db: BetterSQLite3Database,
  query: RunQuery,
): { runs: StoredRun[]; next_cursor: string | null } {
  const sort = query.sort ?? 'attention'
  const order = [...orders[sort], tie]
  const rows = db
    .select()
    .from(runs)
    .innerJoin(runDocuments, eq(runDocuments.run, runs.key))
    .where(and(...conditionsOf(query), behind(sort, order, query.cursor)))
    .orderBy(...order.map(({ field, isDown }) => (isDown ? desc(runs[field]) : asc(runs[field]))))
    .limit(query.limit + 1)
    .all()
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)?.runs
  return {
    runs: page.map((row) => toRun(row.runs, row.run_documents)),
    next_cursor:
      rows.length > page.length && last ? toCursor([sort, ...order.map(({ field }) => last[field])]) : null,
  }
}

function conditionsOf({ project, status, health, q, tag }: RunQuery): (SQL | undefined)[] {
  return [
    project === undefined ? undefined : eq(runs.project, project),
    status === undefined ? undefined : eq(runs.status, status),
    health === undefined ? undefined : eq(runs.health, health),
    q === undefined ? undefined : contains(runs.search, q.toLowerCase()),
    tag === undefined
      ? undefined
      : sql`${contains(runs.tags, JSON.stringify(tag))} and exists (select 1 from json_each(${runs.tags}) where value = ${tag})`,
  ]
}

const contains = (column: SQLWrapper, text: string): SQL => sql`instr(${column}, ${text}) > 0`

/** Rows that come behind the cursor's. */
function behind(
  sort: string,
  order: readonly { field: 'attention' | 'createdAt' | 'updatedAt' | 'name' | 'key'; isDown: boolean }[],
  cursor: string | undefined,
): SQL | undefined {
  if (cursor === undefined) return undefined
  const values = fromCursor(
    cursor,
    sort,
    order.map(({ field }) => (field === 'name' ? 'string' : 'number')),
  )
  // each alternative: the columns before it equal, its own further on
  const alternatives = order.map(({ field, isDown }, i) => {
    const equal = order.slice(0, i).map((other, k) => sql`${runs[other.field]} = ${values[k]}`)
    const further = isDown ? sql`${runs[field]} < ${values[i]}` : sql`${runs[field]} > ${values[i]}`
    return sql`(${sql.join([...equal, further], sql` and `)})`
  })
  return sql`(${sql.join(alternatives, sql` or `)})`
}
