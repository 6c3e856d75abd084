import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { figureWords, logTicks, stepWords, yRange } from '#lib/chart/axes.ts'

describe('the x axis', () => {
  it.each([
    ['rounds steps far apart', 50_000, '123k'],
    ['writes out steps that rounding would make equal', 20, '123\u202f440'],
  ])('%s', (_, distance, text) => expect(stepWords(200_000, distance)(123_440)).toBe(text))
})

describe('figures on an axis', () => {
  it.each([
    ['losses of a good training', [0.5, 0.4, 0.25, 0], 0.05, ['0.5', '0.4', '0.25', '0']],
    ['many that are small', [5e-4, 2.5e-4, 1e-4], 5e-5, ['5e-4', '2.5e-4', '1e-4']],
    ['those close together', [1.0002, 1.0001], 1e-4, ['1.0002', '1.0001']],
  ])('tell apart %s', (_, ticks, distance, words) =>
    expect(ticks.map(figureWords(ticks, distance))).toEqual(words),
  )
})

describe('the ticks of a log axis', () => {
  it.each([
    [
      'multiples over few powers of ten',
      0.3,
      20,
      [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20],
    ],
    ['powers over many', 1e-38, 1, Array.from({ length: 39 }, (_, i) => Number(`1e${i - 38}`))],
  ])('are %s', (_, min, max, ticks) => expect(logTicks(min, max)).toEqual(ticks))

  it('are few, between the ends, at both of them where those are round, for norms of any size', () => {
    const norm = fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(norm, norm, (a, b) => {
        const [min, max] = yRange(Math.min(a, b), Math.max(a, b), true)
        expect(min).toBeGreaterThan(0)
        expect(min).toBeLessThanOrEqual(Math.min(a, b))
        expect(max).toBeGreaterThanOrEqual(Math.max(a, b))
        const ticks = logTicks(min, max)
        expect(ticks.length).toBeGreaterThan(0)
        expect(ticks.length).toBeLessThan(700)
        expect(ticks).toEqual([...new Set(ticks)].sort((x, y) => x - y))
      }),
    )
  })
})

describe('the y axis', () => {
  it('is wide enough for ticks that float64 tells apart', () => {
    const [min, max] = yRange(1e20, 1e20 + 20_000, false)
    expect((max - min) / 100).toBeGreaterThan(100 * 16_384)
  })

  it.each([
    ['a log axis ends at round numbers outside the readings', 0.22, 15.4, true, [0.2, 20]],
    ['a log axis around one value', 1, 1, true, [0.9, 2]],
    ['a log axis without readings', null, null, true, [0.1, 10]],
    ['a linear axis close to zero starts there', 0.01, 1, false, [0, 1.0792]],
    ['a linear axis far from zero does not', 10, 11, false, [9.92, 11.08]],
    ['a constant', 2, 2, false, [1, 3]],
    ['a constant zero', 0, 0, false, [0, 1]],
  ])('%s', (_, min, max, log, range) => {
    yRange(min, max, log).forEach((end, i) => expect(end).toBeCloseTo(range[i] as number, 6))
  })
})
