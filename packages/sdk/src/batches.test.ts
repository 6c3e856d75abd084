import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Batches } from './batches.ts'
import type { BatchName } from './types.ts'

function start() {
  const told: [number, string][] = []
  const batches = new Batches((step, text) => told.push([step, text]))
  const log = (step: number, norm: number, name: BatchName = `b${step}`, part?: string) => {
    batches.add(step, name)
    batches.look(step, norm, part)
  }
  return { told, batches, log }
}

it('only the batches of a suspicious step and of the two steps before and after it are sent', () => {
  const { told, log } = start()
  for (let step = 0; step < 40; step++) log(step, step === 20 ? 3.1 : 1)
  for (let step = 40; step < 60; step++) log(step, step === 50 ? NaN : 3)
  const around = (step: number) => [-2, -1, 0, 1, 2].map((by) => [step + by, `b${step + by}`])
  expect(told).toEqual([...around(20), ...around(50)])
})

it('a norm is judged only after sixteen norms, and each part is compared with itself', () => {
  const { told, batches, log } = start()
  for (let step = 0; step < 16; step++) log(step, step === 8 ? 100 : 1)
  expect(told).toEqual([])
  for (let step = 16; step < 60; step++) {
    batches.add(step, `b${step}`)
    batches.look(step, 0.1, 'generator')
    batches.look(step, 20, 'critic')
  }
  expect(told).toEqual([])
  batches.add(60, 'b60')
  batches.look(60, 1, 'generator')
  expect(told.map(([step]) => step)).toEqual([58, 59, 60])
})

it('the batch may be named before or after the norm of its step', () => {
  const { told, batches } = start()
  batches.add(0, 'zero')
  batches.look(1, NaN, undefined)
  batches.add(1, 'one')
  expect(told).toEqual([
    [0, 'zero'],
    [1, 'one'],
  ])
})

it.each<[BatchName, string]>([
  ['shard-3', 'shard-3'],
  [7, '7'],
  [[7, 8, 9, 10, 12, 11], '7–10, 12, 11'],
  [new Int32Array([1, 2, 5]), '1–2, 5'],
  [['a', 'b'], 'a, b'],
  [() => [3, 4], '3–4'],
  [
    () => {
      throw new Error('no')
    },
    'unreadable: Error: no',
  ],
])('names become readable text: %s', (name, text) => {
  const { told, log } = start()
  log(0, Infinity, name)
  expect(told).toEqual([[0, text]])
})

it('a name has at most 2,048 characters, a function is called only if needed, and a diverged training sends 1,000 batches', () => {
  const { told, log } = start()
  log(0, 1, () => {
    throw new Error('asked')
  })
  for (let step = 10; step < 3_000; step++) log(step, NaN, 'x'.repeat(5_000))
  expect(told).toHaveLength(1_000)
  expect(told[0]?.[1]).toBe(`${'x'.repeat(2_047)}…`)
})

it('a norm is large above three times the median of the last 128', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: 0, max: 10, noNaN: true }), { minLength: 17, maxLength: 400 }),
      (norms) => {
        const { told, log } = start()
        norms.forEach((norm, step) => log(step * 10, norm))
        const expected = norms.flatMap((norm, i) => {
          const past = norms.slice(Math.max(0, i - 128), i).sort((a, b) => a - b)
          const middle = past.length >> 1
          const median =
            past.length % 2 === 1 ? past[middle]! : ((past[middle] ?? 0) + (past[middle - 1] ?? 0)) / 2
          return past.length >= 16 && norm > 3 * median ? [i * 10] : []
        })
        expect(told.map(([step]) => step)).toEqual(expected)
      },
    ),
    { numRuns: 50 },
  )
})
