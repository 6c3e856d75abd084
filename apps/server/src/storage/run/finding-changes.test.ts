import fc from 'fast-check'
import { expect, it } from 'vitest'
import { aFinding } from '../../alerts/fixtures/event.ts'
import type { FindingChange, StoredFinding } from '../store.ts'
import { rowChanges } from './finding-changes.ts'

const closing = (id: string, closed_step: number) =>
  ({ type: 'closed', id, closed_step, closed_at: closed_step, close_reason: 'recovered' }) as const

it('closes what was open before it adds, and adds as closed what the unit opened and closed', () => {
  const [past, now] = [aFinding({ id: 'past' }), aFinding({ id: 'now' })]
  const changes: FindingChange[] = [
    { type: 'opened', finding: past },
    closing('past', 5),
    { type: 'opened', finding: now },
    closing('before', 9),
  ]
  expect(rowChanges(changes)).toEqual({
    closed: [closing('before', 9)],
    added: [{ ...past, state: 'closed', closed_step: 5, closed_at: 5, close_reason: 'recovered' }, now],
  })
})

it('leaves the same findings as doing one change after the other', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd')
  const change = fc.oneof(
    id.map((id): FindingChange => ({ type: 'opened', finding: aFinding({ id }) })),
    fc.tuple(id, fc.nat(9)).map(([id, step]): FindingChange => closing(id, step)),
  )
  const close = (
    finding: StoredFinding,
    { type: _, ...closed }: ReturnType<typeof closing>,
  ): StoredFinding => (finding.state === 'open' ? { ...finding, state: 'closed', ...closed } : finding)
  fc.assert(
    fc.property(fc.subarray(['a', 'b', 'c', 'd']), fc.array(change), (before, changes) => {
      // a finding opens once
      const opened = new Set(before)
      const valid = changes.filter((one) => {
        if (one.type === 'closed') return opened.has(one.id)
        if (opened.has(one.finding.id)) return false
        opened.add(one.finding.id)
        return true
      })
      const expected = new Map(before.map((id) => [id, aFinding({ id })]))
      for (const one of valid) {
        if (one.type === 'opened') expected.set(one.finding.id, one.finding)
        else
          expected.set(
            one.id,
            close(expected.get(one.id) as StoredFinding, one as ReturnType<typeof closing>),
          )
      }
      const { closed, added } = rowChanges(valid)
      const rows = new Map(before.map((id) => [id, aFinding({ id })]))
      for (const one of closed) {
        rows.set(one.id, close(rows.get(one.id) as StoredFinding, one as ReturnType<typeof closing>))
      }
      for (const finding of added) rows.set(finding.id, finding)
      expect(rows).toEqual(expected)
    }),
  )
})
