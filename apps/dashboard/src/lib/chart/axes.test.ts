import { describe, expect, it } from 'vitest'
import { stepWords, yRange } from '#lib/chart/axes.ts'

describe('the x axis', () => {
  it.each([
    ['rounds steps far apart', 50_000, '123k'],
    ['writes out steps that rounding would make equal', 20, '123\u202f440'],
  ])('%s', (_, distance, text) => expect(stepWords(200_000, distance)(123_440)).toBe(text))
})

describe('the y axis', () => {
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
