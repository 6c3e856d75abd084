import type { AuditFilter, AuditQuery, StoredAuditEntry } from '../audit-store.ts'
import { fromCursor, given, toCursor, where, type Condition } from '../list-query.ts'
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

/** Asks for one entry more than the page has: whether there is another page. Throws `BadCursor`. */
export function pageOf({ cursor, limit, ...filter }: AuditQuery): Statement & {
  readonly reply: (rows: StoredAuditEntry[]) => { entries: StoredAuditEntry[]; next_cursor: string | null }
} {
  const before = cursor === undefined ? undefined : (fromCursor(cursor, 'audit', ['number'])[0] as number)
  const { sql, values } = where([...conditionsOf(filter), given('number < ?', before)])
  return {
    sql: `select ${COLUMNS} from audit ${sql} order by number desc limit ?`,
    values: [...values, limit + 1],
    reply: (rows) => {
      const entries = rows.slice(0, limit)
      const last = rows.length > limit ? entries.at(-1) : undefined
      return { entries, next_cursor: last === undefined ? null : toCursor(['audit', last.number]) }
    },
  }
}

/** Entries above a number, the oldest first. */
export function entriesAfter(after: number, limit: number, filter: AuditFilter): Statement {
  const { sql, values } = where([given('number > ?', after), ...conditionsOf(filter)])
  return { sql: `select ${COLUMNS} from audit ${sql} order by number limit ?`, values: [...values, limit] }
}
