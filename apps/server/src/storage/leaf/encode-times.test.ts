import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { readTimes, skipTimes, writeTimes } from './encode-times.ts'

/** The bytes of these times, after checking that they are read back, and passed over, as they were written. */
function bytesOf(times: readonly number[]): number {
  const writer = new ByteWriter()
  writeTimes(writer, Float64Array.from(times))
  const bytes = writer.take()
  const reader = new ByteReader(bytes)
  const back = readTimes(reader, times.length)
  expect(reader.isAtEnd).toBe(true)
  times.forEach((time, i) => expect(Object.is(back[i], time), `${time} came back as ${back[i]}`).toBe(true))
  const passing = new ByteReader(bytes)
  skipTimes(passing, times.length)
  expect(passing.isAtEnd).toBe(true)
  return bytes.length
}

it('gives back any times to the bit, also those that no clock shows', () => {
  const odd = fc.constantFrom(
    0,
    -0,
    -1,
    1e-6,
    2 ** 31 - 2 ** -22,
    2 ** 31,
    2 ** 51,
    2 ** 53,
    -(2 ** 53),
    1e300,
    5e-324,
  )
  const clock = fc.integer({ min: 0, max: 2 ** 53 - 1 }).map((ticks) => ticks / 2 ** 22)
  const micros = fc.integer({ min: 0, max: 2 ** 53 - 1 }).map((whole) => whole / 1e6)
  const double = fc.double({ noNaN: true })
  fc.assert(
    fc.property(
      fc.oneof(
        ...[odd, clock, micros, double, fc.oneof(odd, clock, micros, double)].map((one) =>
          fc.array(one, { minLength: 1, maxLength: 40 }),
        ),
      ),
      (times) => void bytesOf(times),
    ),
    { numRuns: 2_000 },
  )
})

it('takes three bytes for a time of a clock of today whose steps vary by milliseconds, two in whole milliseconds', () => {
  const steps = Array.from({ length: 500 }, (_, i) => i * 0.25 + 0.003 * Math.abs(Math.sin(i * i)))
  expect(bytesOf(steps.map((time) => 1_800_000_000.1234567 + time))).toBeLessThan(3.1 * steps.length)
  const milliseconds = steps.map((time) => Math.round(1_800_000_000_123 + time * 1000) / 1000)
  expect(bytesOf(milliseconds)).toBeLessThan(2.1 * steps.length)
})

it('takes eight bytes for a time only where one of them is no whole tick', () => {
  expect(bytesOf([1_800_000_000.25, 0.1 + 0.2])).toBe(1 + 2 * 8)
})
