import { describe, expect, it } from 'vitest'
import { ago, duration, instant } from '#lib/format/time.ts'

describe('time in words', () => {
  it.each([
    [0, 'now'],
    [1_400, 'now'],
    [4_000, '4 s ago'],
    [125_000, '2 min ago'],
    [3 * 3_600_000, '3 h ago'],
    [50 * 3_600_000, '2 d ago'],
    [-5_000, 'now'],
  ])('calls %i ms "%s"', (milliseconds, text) => expect(ago(0, milliseconds)).toBe(text))

  it.each([
    [0.25, '250 ms'],
    [38, '38 s'],
    [125, '2 min 5 s'],
    [3600, '1 h'],
    [11_520, '3 h 12 min'],
    [360_000, '4 d 4 h'],
  ])('writes %f seconds as %s', (seconds, text) => expect(duration(seconds)).toBe(text))

  it('writes an instant in the zone of the reader', () => {
    expect(instant(new Date(2026, 10, 3, 4, 5, 6).getTime())).toBe('2026-11-03 04:05:06')
  })
})
