import { expect, it } from 'vitest'
import { listeningSince, silentFor } from './silence-watch.ts'

it.each([
  ['an ordinary pause', 1_005_000, 0],
  ['a pause on a busy machine', 1_015_000, 0],
  ['a machine that slept for an hour', 4_600_000, 4_600_000],
  ['a clock set back by an hour', -2_600_000, -2_600_000],
])('restarts the count of silence only at the end of a sleep: %s', (_name, now, expected) => {
  expect(listeningSince(0, 1_000_000, now)).toBe(expected)
})

it.each([
  ['the last arrival', 5_000, 1_000, 9_000, 4_000],
  ['the start of listening where the arrival was before it', 500, 1_000, 9_000, 8_000],
  ['the start of listening where the arrival lies in the future', 90_000, 1_000, 9_000, 8_000],
])('counts silence from %s', (_name, arrival, since, now, expected) => {
  expect(silentFor(arrival, since, now)).toBe(expected)
})
