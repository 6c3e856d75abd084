import type { Series, SeriesReply } from '@normwatch/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockAt, blocksOf, rowCount, withRows } from './row-blocks.ts'

/** What the server says of a metric that was logged at these steps. */
function replyOf(steps: readonly number[], bucket: number): SeriesReply {
  const counts = new Map<number, number>()
  for (const step of steps) {
    const start = Math.floor(step / bucket) * bucket
    counts.set(start, (counts.get(start) ?? 0) + 1)
  }
  const series = { step: [...counts.keys()], count: [...counts.values()] } as unknown as Series
  return { from: 0, to: steps.at(-1) ?? 0, total: steps.length, bucket, series: { grad_norm: series } }
}
const someSteps = fc
  .uniqueArray(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 1500 })
  .map((steps) => steps.sort((a, b) => a - b))
const someBucket = fc.integer({ min: 0, max: 8 }).map((power) => 2 ** power)

describe('rows in blocks', () => {
  it('cover every step once, in order, and know the place of each row', () => {
    fc.assert(
      fc.property(someSteps, someBucket, (steps, bucket) => {
        const blocks = blocksOf(replyOf(steps, bucket))
        expect(rowCount(blocks)).toBe(steps.length)
        for (const { from, to, first, rows } of blocks) {
          expect(steps.filter((step) => step >= from && step <= to)).toEqual(steps.slice(first, first + rows))
        }
        steps.forEach((step, row) => {
          const place = blockAt(blocks, 'first', row)
          expect(blockAt(blocks, 'from', step)).toBe(place)
        })
      }),
      { numRuns: 40 },
    )
  })
  it('are few and large, so that a screen of rows takes one or two requests', () => {
    const blocks = blocksOf(
      replyOf(
        Array.from({ length: 3000 }, (_, i) => 10 * i),
        1,
      ),
    )
    expect(blocks.map(({ rows }) => rows)).toEqual(Array.from({ length: 15 }, () => 200))
  })
  it('move along when a block turns out to have other rows', () => {
    const blocks = blocksOf(
      replyOf(
        Array.from({ length: 600 }, (_, i) => i),
        1,
      ),
    )
    expect(withRows(blocks, 1, 210).map(({ first, rows }) => [first, rows])).toEqual([
      [0, 200],
      [200, 210],
      [410, 200],
    ])
    expect(withRows(blocks, 1, 200)).toBe(blocks)
  })
  it('are none for a run without readings', () => {
    expect(blocksOf({ from: 0, to: 0, total: 0, bucket: 1, series: {} })).toEqual([])
    expect(rowCount([])).toBe(0)
  })
})
