import { parsePoints, type PointColumns } from '@normwatch/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { partsByPieces, piecesTouched, slices } from './readings.ts'

const rowsOf = ({ step, time, metrics }: PointColumns) =>
  Array.from(step, (at, i) => [
    at,
    time[i],
    ...Array.from(metrics, ([name, { values, present }]) => [name, present?.[i] === 0 ? null : values[i]]),
  ])

it('cuts a batch into parts that say together what it says, in order', { timeout: 60_000 }, () => {
  const shape = fc.record({
    count: fc.integer({ min: 1, max: 3_000 }),
    metrics: fc.integer({ min: 0, max: 12 }),
  })
  fc.assert(
    fc.property(shape, ({ count, metrics }) => {
      const step = Array.from({ length: count }, (_, i) => 2 * i)
      const readings = step.map((at, i) => (i % 7 === 3 ? null : at / 3))
      const names = Array.from({ length: metrics }, (_, i) => [`m${i}`, readings] as const)
      const parsed = parsePoints({ columns: { step, ...Object.fromEntries(names) } })
      if (!parsed.ok) throw new Error('the batch is refused')
      const parts = slices(parsed.columns)
      expect(parts.flatMap(rowsOf)).toEqual(rowsOf(parsed.columns))
      for (const part of parts) expect(part.step.length * (1 + part.metrics.size)).toBeLessThan(1_300)
    }),
    { numRuns: 15 },
  )
})

const STEPS = 1_024

it('cuts late steps into parts that touch few pieces of the record, and leaves new steps together', () => {
  const steps = fc.uniqueArray(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 400 })
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: -1, max: 60_000 }),
      fc.integer({ min: 1, max: 20 }),
      (some, last, most) => {
        const step = some.sort((a, b) => a - b)
        const parsed = parsePoints({ columns: { step, loss: step } })
        if (!parsed.ok) throw new Error('the batch is refused')
        const parts = partsByPieces(parsed.columns, last, STEPS, most)
        expect(parts.flatMap(rowsOf)).toEqual(rowsOf(parsed.columns))
        for (const part of parts) expect(piecesTouched(part, last, STEPS)).toBeLessThanOrEqual(most)
        const pieces = new Set(step.filter((at) => at <= last).map((at) => Math.floor(at / STEPS)))
        expect(piecesTouched(parsed.columns, last, STEPS)).toBe(pieces.size)
        expect(parts.length).toBe(Math.max(1, Math.ceil(pieces.size / most)))
      },
    ),
  )
})
