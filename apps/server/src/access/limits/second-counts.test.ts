import { expect, it } from 'vitest'
import { SecondCounts } from './second-counts.ts'

it('counts the requests of each name, and starts over after a second', () => {
  const counts = new SecondCounts(2)
  expect(counts.count('a', 0)).toMatchObject({ nth: 1, leftMs: 1_000 })
  expect(counts.count('a', 400)).toMatchObject({ nth: 2, leftMs: 600 })
  expect(counts.count('b', 400)).toMatchObject({ nth: 1, leftMs: 1_000 })
  expect(counts.count('a', 999)).toMatchObject({ nth: 3, leftMs: 1 })
  expect(counts.count('a', 1_000)).toMatchObject({ nth: 1, leftMs: 1_000 })
})

it('tells who was busy in the second before', () => {
  const counts = new SecondCounts(4)
  const isBusy = (name: string, now: number) => counts.count(name, now).wasBusy
  expect([isBusy('a', 0), isBusy('a', 10), isBusy('b', 0)]).toEqual([false, false, false])
  expect([isBusy('a', 1_000), isBusy('a', 1_500), isBusy('b', 1_000)]).toEqual([true, true, false])
  expect(isBusy('a', 3_500)).toBe(false)
})
