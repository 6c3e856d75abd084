import { expect, it } from 'vitest'
import { SecondCounts } from './second-counts.ts'

it('counts the requests of each name, and starts over after a second', () => {
  const counts = new SecondCounts(2)
  expect(counts.count('a', 0)).toEqual({ nth: 1, leftMs: 1_000 })
  expect(counts.count('a', 400)).toEqual({ nth: 2, leftMs: 600 })
  expect(counts.count('b', 400)).toEqual({ nth: 1, leftMs: 1_000 })
  expect(counts.count('a', 999)).toEqual({ nth: 3, leftMs: 1 })
  expect(counts.count('a', 1_000)).toEqual({ nth: 1, leftMs: 1_000 })
})
