import { expect, it } from 'vitest'
import { bounded, cut, toText } from './bounded.ts'

it('keeps the first items that fit, and says how many were left out', () => {
  const items = Array.from({ length: 100 }, (_, i) => ({ i, text: 'x'.repeat(i) }))
  const { kept, leftOut } = bounded(items, 1_000)
  expect(JSON.stringify(kept).length).toBeLessThanOrEqual(1_001)
  expect(kept.length + leftOut).toBe(100)
  expect(kept).toEqual(items.slice(0, kept.length))
  expect(bounded(items, 1_000_000)).toEqual({ kept: items, leftOut: 0 })
  expect(bounded([], 0)).toEqual({ kept: [], leftOut: 0 })
})

it('cuts a text and rounds figures, but no step', () => {
  expect([cut('abcdef', 4), cut('abcd', 4)]).toEqual(['abc…', 'abcd'])
  expect(toText({ step: 9007199254740991, norm: 1.23456789, no: null, wild: 'NaN' })).toBe(
    '{"step":9007199254740991,"norm":1.23457,"no":null,"wild":"NaN"}',
  )
})
