import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuditRecord, AuditStore, StoredAuditEntry } from './audit-store.ts'
import { verifyChain } from './audit/verify.ts'
import { BadCursor, type Store } from './store.ts'

const record = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  at: 1_000,
  actor_id: 'tok_1',
  actor: 'ci',
  action: 'run.delete',
  target_kind: 'run',
  target: 'r',
  project: 'p',
  address: '10.0.0.1',
  detail: null,
  ...more,
})

const numbers = (entries: readonly StoredAuditEntry[]) => entries.map(({ number }) => number)

/** A store on which statements may be run behind its back. */
export interface TamperedStore {
  readonly store: Store
  readonly tamper: (sql: string) => Promise<void>
}

/** What every engine promises of the audit log. `open` gives an empty store each time. */
export function describeAuditStore(engine: string, open: () => Promise<TamperedStore>): void {
  describe(`${engine} store's audit log`, () => {
    let opened: TamperedStore
    let audit: AuditStore
    beforeEach(async () => {
      opened = await open()
      audit = opened.store.audit
    })
    afterEach(() => opened.store.close())
    const fill = async (count: number, of: (i: number) => Partial<AuditRecord> = () => ({})) => {
      for (let i = 1; i <= count; i++) await audit.record(record(of(i)))
    }

    it('chains each entry to the one before by the documented hash', async () => {
      const first = await audit.record(record({ detail: 'naïve "quotes"\u2028 🙂' }))
      const second = await audit.record(
        record({ actor_id: null, project: null, target: null, address: null }),
      )
      const sha = (text: string) => createHash('sha256').update(text).digest('hex')
      const zeros = '0'.repeat(64)
      expect(first.hash).toBe(
        sha(
          `${zeros}\n1\n[1000,"tok_1","ci","run.delete","run","r","p","10.0.0.1","naïve \\"quotes\\"\u2028 🙂"]`,
        ),
      )
      expect(second.hash).toBe(
        sha(`${first.hash}\n2\n[1000,null,"ci","run.delete","run",null,null,null,null]`),
      )
      expect(await audit.read(0, 10)).toEqual([first, second])
      expect(await audit.head()).toEqual({ last: 2, hash: second.hash, anchor: 0, anchor_hash: zeros })
      expect(await verifyChain(audit)).toEqual({
        ok: true,
        entries: 2,
        expired_through: 0,
        last: 2,
        hash: second.hash,
        fault: null,
      })
    })

    it('keeps one chain when many record at the same time', async () => {
      await Promise.all(Array.from({ length: 100 }, (_, i) => audit.record(record({ target: `r${i}` }))))
      expect(numbers(await audit.read(0, 200))).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
      expect(await verifyChain(audit)).toMatchObject({ ok: true, entries: 100 })
    })

    it('stores texts bounded and well-formed, so that their hash can be computed again', async () => {
      const { detail, actor } = await audit.record(
        record({
          actor: `a\0b\n${'x'.repeat(500)}`,
          detail: `\ud800${'🙂'.repeat(400)}`,
          address: 'f'.repeat(99),
        }),
      )
      expect(actor).toBe(`a b ${'x'.repeat(124)}`)
      expect(detail).toHaveLength(512)
      expect(detail?.isWellFormed()).toBe(true)
      expect(await verifyChain(audit)).toMatchObject({ ok: true })
    })

    it('lists the newest first, in pages, of one actor, action, project or time', async () => {
      await fill(6, (i) => ({
        at: i * 1_000,
        ...(i % 2 === 0 ? { actor_id: 'tok_2', actor: 'ann' } : {}),
        action: i < 4 ? 'run.delete' : 'run.change',
        project: i === 5 ? 'q' : 'p',
      }))
      const first = await audit.list({ limit: 4 })
      expect(numbers(first.entries)).toEqual([6, 5, 4, 3])
      const second = await audit.list({ limit: 4, cursor: first.next_cursor ?? '' })
      expect([numbers(second.entries), second.next_cursor]).toEqual([[2, 1], null])
      const listed = async (query: object) => numbers((await audit.list({ limit: 9, ...query })).entries)
      expect(await listed({ who: 'ann' })).toEqual([6, 4, 2])
      expect(await listed({ who: 'tok_1' })).toEqual([5, 3, 1])
      expect(await listed({ action: 'run.change', project: 'p' })).toEqual([6, 4])
      expect(await listed({ from: 2_000, to: 3_000 })).toEqual([3, 2])
      expect(numbers(await audit.read(1, 2, { action: 'run.delete' }))).toEqual([2, 3])
      await expect(audit.list({ limit: 1, cursor: 'made up' })).rejects.toBeInstanceOf(BadCursor)
    })

    it('finds few entries among many, in pages', async () => {
      await fill(1_100, (i) => (i % 250 === 3 ? { actor: 'eve', actor_id: 'tok_9' } : {}))
      const first = await audit.list({ limit: 2, who: 'eve' })
      expect(numbers(first.entries)).toEqual([1_003, 753])
      const second = await audit.list({ limit: 9, who: 'eve', cursor: first.next_cursor ?? '' })
      expect([numbers(second.entries), second.next_cursor]).toEqual([[503, 253, 3], null])
      expect(numbers(await audit.read(4, 3, { who: 'eve' }))).toEqual([253, 503, 753])
      expect(await audit.read(1_003, 3, { who: 'eve' })).toEqual([])
    })

    it('removes what is too old, and the rest can still be verified', async () => {
      await fill(5, (i) => ({ at: i * 1_000 }))
      expect(await audit.expire(3_000, 1)).toBe(1)
      expect(await audit.expire(3_000, 9)).toBe(1)
      expect(await audit.expire(3_000, 9)).toBe(0)
      expect(numbers(await audit.read(0, 9))).toEqual([3, 4, 5])
      expect(await verifyChain(audit)).toMatchObject({ ok: true, entries: 3, expired_through: 2, last: 5 })
      expect(await audit.expire(9_000, 9)).toBe(3)
      expect(await verifyChain(audit)).toMatchObject({ ok: true, entries: 0, expired_through: 5, last: 5 })
      expect((await audit.record(record())).number).toBe(6)
      expect(await verifyChain(audit)).toMatchObject({ ok: true, entries: 1, last: 6 })
    })

    it('does not remove an entry that follows one that must be kept', async () => {
      await fill(3, (i) => ({ at: i === 1 ? 9_000 : 1_000 }))
      expect(await audit.expire(5_000, 9)).toBe(0)
      expect(numbers(await audit.read(0, 9))).toEqual([1, 2, 3])
    })

    it.each([
      [
        'an entry that was changed',
        `update audit set actor = 'eve' where number = 3`,
        3,
        /^Entry 3 was changed/,
      ],
      ['an entry that was removed', 'delete from audit where number = 3', 3, /^Entry 3 is missing/],
      [
        'entries missing in between',
        'delete from audit where number in (2, 3)',
        2,
        /^Entries 2 to 3 are missing/,
      ],
      ['entries missing at the end', 'delete from audit where number > 3', 4, /^Entries 4 to 5 are missing/],
      [
        'an entry that expired and was put in again',
        'update audit_head set anchor = 1',
        1,
        /^Entry 1 had expired/,
      ],
      [
        'a last entry that is not the one written',
        `update audit_head set hash = 'x'`,
        5,
        /not the one .* last/,
      ],
    ])('shows %s', async (_, sql, number, message) => {
      await fill(5)
      await opened.tamper(sql)
      expect(await verifyChain(audit)).toMatchObject({
        ok: false,
        fault: { number, message: expect.stringMatching(message) },
      })
    })
  })
}
