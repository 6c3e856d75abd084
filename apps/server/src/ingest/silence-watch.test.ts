import { expect, it } from 'vitest'
import { listeningSince } from './silence-watch.ts'

it.each([
  ['an ordinary pause', 1_005_000, 0],
  ['a pause on a busy machine', 1_015_000, 0],
  ['a machine that slept for an hour', 4_600_000, 4_600_000],
  ['a clock set back by an hour', -2_600_000, -2_600_000],
])('counts silence anew only from the end of a sleep: %s', (_name, now, expected) => {
  expect(listeningSince(0, 1_000_000, now)).toBe(expected)
})
