import type { AuditFilter, AuditQuery, StoredAuditEntry } from '../audit-store.ts'
import { fromCursor, given, pageOf, where, type Condition } from '../list-query.ts'
import { AUDIT_COLUMNS } from './chain.ts'

const COLUMNS = AUDIT_COLUMNS.join(', ')

/** A statement whose parameters are `?`. */
type Statement = Condition

function conditionsOf({ who, action, project, from, to }: AuditFilter): (Condition | undefined)[] {
  return [
    who === undefined ? undefined : { sql: '(actor_id = ? or actor = ?)', values: [who, who] },
    given('action = ?', action),
    given('project = ?', project),
    given('at >= ?', from),
    given('at <= ?', to),
  ]
}

/** The number that a cursor stands for, if there is one. Throws `BadCursor`. */
export const numberOf = (cursor: string | undefined): number | undefined =>
  cursor === undefined ? undefined : (fromCursor(cursor, 'audit', ['number'])[0] as number)

/** Entries below the number `from`, and of these those down to `to`, the newest first: one more than a page has. */
export function entriesBelow(
  { limit, ...filter }: AuditFilter & Pick<AuditQuery, 'limit'>,
  { from, to }: { readonly from?: number | undefined; readonly to?: number | undefined },
): Statement {
  const { sql, values } = where([
    ...conditionsOf(filter),
    given('number < ?', from),
    given('number >= ?', to),
  ])
  return {
    sql: `select ${COLUMNS} from audit ${sql} order by number desc limit ?`,
    values: [...values, limit + 1],
  }
}

/** The page that these entries make, of which there are more than `limit` if there is another page. */
export function entriesPage(
  found: readonly StoredAuditEntry[],
  limit: number,
): { entries: StoredAuditEntry[]; next_cursor: string | null } {
  const { page, next_cursor } = pageOf(found, limit, (last) => ['audit', last.number])
  return { entries: page, next_cursor }
}

/** Entries above the number `after`, and of these those up to `through`, the oldest first. */
export function entriesAbove(after: number, limit: number, filter: AuditFilter, through?: number): Statement {
  const { sql, values } = where([
    given('number > ?', after),
    given('number <= ?', through),
    ...conditionsOf(filter),
  ])
  return { sql: `select ${COLUMNS} from audit ${sql} order by number limit ?`, values: [...values, limit] }
}
