import type { AuditHead, AuditStore, StoredAuditEntry } from '../audit-store.ts'
import { AUDIT_COLUMNS, EMPTY_CHAIN, NO_HASH, bounded, canonicalForm } from '../audit/chain.ts'
import { entriesAbove, entriesBelow, entriesPage, numberOf } from '../audit/list-entries.ts'
import type { Database } from './database.ts'

const HEAD = 'select last, hash, anchor, anchor_hash from audit_head'
const FIELDS = AUDIT_COLUMNS.slice(1, -1)

/** What `hashOf` computes, of the entry after `previous`. */
const hashAfter = (previous: string, number: string) =>
  `encode(sha256(convert_to(${previous} || E'\\n' || ${number} || E'\\n' || ?::text, 'UTF8')), 'hex')`

/** One statement: its lock of the head's row makes servers that record at the same time wait for one another. */
const RECORD = `
  with head as (
    insert into audit_head (one, last, hash, anchor, anchor_hash)
    values (1, 1, ${hashAfter(`'${NO_HASH}'`, "'1'")}, 0, '${NO_HASH}')
    on conflict (one) do update set
      last = audit_head.last + 1,
      hash = ${hashAfter('audit_head.hash', '(audit_head.last + 1)::text')}
    returning last, hash
  )
  insert into audit (number, ${FIELDS.join(', ')}, hash)
  select head.last, ${FIELDS.map((field) => (field === 'at' ? '?::bigint' : '?::text')).join(', ')}, head.hash from head
  returning ${AUDIT_COLUMNS.join(', ')}`

/** The table of the audit log, to which several servers may add. */
export function openAudit(db: Database): AuditStore {
  return {
    record: async (record) => {
      const fields = bounded(record)
      const canonical = canonicalForm(fields)
      const values = FIELDS.map((field) => fields[field as keyof typeof fields])
      return (await db.get<StoredAuditEntry>(RECORD, canonical, canonical, ...values)) as StoredAuditEntry
    },
    list: async (query) => {
      const { cursor, limit } = query
      const { sql, values } = entriesBelow(query, { from: numberOf(cursor) })
      return entriesPage(await db.all<StoredAuditEntry>(sql, ...values), limit)
    },
    read: (after, limit, filter = {}) => {
      const { sql, values } = entriesAbove(after, limit, filter)
      return db.all<StoredAuditEntry>(sql, ...values)
    },
    head: async () => (await db.get<AuditHead>(HEAD)) ?? EMPTY_CHAIN,
    expire: (before, limit) =>
      db.transaction(async (on) => {
        const chain = (await on.get<AuditHead>(`${HEAD} for update`)) ?? EMPTY_CHAIN
        const kept = await on.get<{ number: number }>(
          'select number from audit where at >= ? order by number limit 1',
          before,
        )
        const through = Math.min((kept?.number ?? chain.last + 1) - 1, chain.anchor + limit)
        if (through <= chain.anchor) return 0
        const last = await on.get<{ hash: string }>('select hash from audit where number = ?', through)
        // a chain with a gap keeps what shows it
        if (last === undefined) return 0
        await on.run('delete from audit where number <= ?', through)
        await on.run('update audit_head set anchor = ?, anchor_hash = ?', through, last.hash)
        return through - chain.anchor
      }),
  }
}
