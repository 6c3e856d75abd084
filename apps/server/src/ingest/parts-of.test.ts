import { parsePoints } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { partsOf } from './parts-of.ts'

it.each([
  [1, [1, 1, 1, 1, 1]],
  [2, [2, 2, 1]],
  [5, [5]],
  [9, [5]],
])('cuts five rows into parts of %i that are the batch again', (rows, lengths) => {
  const points = Array.from({ length: 5 }, (_, step) => ({
    step,
    loss: step / 2,
    ...(step === 4 ? { lr: 1 } : {}),
  }))
  const parsed = parsePoints({ points })
  if (!parsed.ok) throw new Error('the points are wrong')
  const parts = [...partsOf(parsed.columns, rows)]
  expect(parts.map(({ step }) => step.length)).toEqual(lengths)
  expect(parts.flatMap(({ step }) => [...step])).toEqual([0, 1, 2, 3, 4])
  expect(parts.flatMap(({ metrics }) => [...(metrics.get('loss')?.values ?? [])])).toEqual([
    0, 0.5, 1, 1.5, 2,
  ])
  expect(parts.flatMap(({ metrics }) => [...(metrics.get('lr')?.present ?? [])])).toEqual([0, 0, 0, 0, 1])
})
