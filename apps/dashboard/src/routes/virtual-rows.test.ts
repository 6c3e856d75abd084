import { describe, expect, it } from 'vitest'
import { rowsNear } from './virtual-rows.ts'

describe('rows near the screen', () => {
  it.each([
    ['at the top', -100, 10_000, { first: 0, end: 31 }],
    ['in the middle', 60_000, 10_000, { first: 984, end: 1032 }],
    ['at the end', 600_000, 10_000, { first: 9984, end: 10_000 }],
    ['of a short list', 0, 3, { first: 0, end: 3 }],
    ['of an empty one', 0, 0, { first: 0, end: 0 }],
    ['far above the list', -10_000, 50, { first: 0, end: 0 }],
  ])('%s', (_, scrolled, total, range) => expect(rowsNear(scrolled, 960, 60, total)).toEqual(range))
})
