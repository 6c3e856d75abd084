import type { AuditFilter, AuditHead, AuditStore, StoredAuditEntry } from '../../audit-store.ts'
import { AUDIT_COLUMNS, EMPTY_CHAIN, bounded, canonicalForm, hashOf } from '../../audit/chain.ts'
import { entriesAbove, entriesBelow, entriesPage, numberOf } from '../../audit/list-entries.ts'
import type { Condition } from '../../list-query.ts'
import type { Database } from '../engine/database.ts'
import { foundIn, windows, type Window } from '../engine/windows.ts'

/** Reads, and runs units of work in a transaction, which resolve when they are durable; both explain their failures. */
interface Access {
  readonly read: <T>(work: () => T) => T
  readonly write: <T>(work: () => T) => Promise<T>
}

/** The table of the audit log. Nothing is kept in memory, so that two processes add to one chain. */
export function openAudit(db: Database, { read, write }: Access): AuditStore {
  const head = db.prepare<[], AuditHead>('select last, hash, anchor, anchor_hash from audit_head')
  const setHead = db.prepare<[AuditHead]>(
    'insert or replace into audit_head (one, last, hash, anchor, anchor_hash) values (1, @last, @hash, @anchor, @anchor_hash)',
  )
  const insert = db.prepare<[StoredAuditEntry]>(
    `insert into audit (${AUDIT_COLUMNS.join(', ')}) values (${AUDIT_COLUMNS.map((column) => `@${column}`).join(', ')})`,
  )
  const firstSince = db
    .prepare<[number], number>('select number from audit where at >= ? order by number limit 1')
    .pluck()
  const hash = db.prepare<[number], string>('select hash from audit where number = ?').pluck()
  const removeThrough = db.prepare<[number]>('delete from audit where number <= ?')
  const now = () => head.get() ?? EMPTY_CHAIN
  const selectBelow = db
    .prepare<[number, number], number>(
      'select number from audit where number < ? order by number desc limit 1 offset ?',
    )
    .pluck()
  const selectAbove = db
    .prepare<[number, number], number>(
      'select number from audit where number > ? order by number limit 1 offset ?',
    )
    .pluck()
  const below = (from: number = Number.MAX_SAFE_INTEGER, rows: number) =>
    read(() => selectBelow.get(from, rows - 1))
  const above = (from: number = 0, rows: number) => read(() => selectAbove.get(from, rows - 1))
  const entries = ({ sql, values }: Condition) =>
    read(() => db.prepare<(string | number)[], StoredAuditEntry>(sql).all(...values))

  return {
    record: (record) =>
      write(() => {
        const chain = now()
        const fields = bounded(record)
        const number = chain.last + 1
        const entry = { ...fields, number, hash: hashOf(chain.hash, number, canonicalForm(fields)) }
        insert.run(entry)
        setHead.run({ ...chain, last: number, hash: entry.hash })
        return entry
      }),
    list: async ({ cursor, limit, ...filter }) => {
      const pieces = windows(numberOf(cursor), isFiltered(filter) ? below : undefined)
      const find = (piece: Window<number>) => entries(entriesBelow({ ...filter, limit }, piece))
      return entriesPage(await foundIn(pieces, limit + 1, find), limit)
    },
    read: async (after, limit, filter = {}) => {
      const pieces = windows(after, isFiltered(filter) ? above : undefined)
      return foundIn(pieces, limit, ({ from = after, to }, left) =>
        entries(entriesAbove(from, left, filter, to)),
      )
    },
    head: async () => read(now),
    expire: (before, limit) =>
      write(() => {
        const chain = now()
        const kept = firstSince.get(before) ?? chain.last + 1
        const through = Math.min(kept - 1, chain.anchor + limit)
        const anchor_hash = through > chain.anchor ? hash.get(through) : undefined
        // a chain with a gap keeps what shows it
        if (anchor_hash === undefined) return 0
        removeThrough.run(through)
        setHead.run({ ...chain, anchor: through, anchor_hash })
        return through - chain.anchor
      }),
  }
}

/** Whether few of very many entries may be asked for. */
const isFiltered = (filter: AuditFilter): boolean =>
  Object.values(filter).some((value) => value !== undefined)
