import { describe, expect, it } from 'vitest'
import { between, coversAll, interpolate, pan, withMargin, zoomAround } from '#lib/chart/range.ts'

const whole = { from: 0, to: 1000 }

describe('ranges of steps', () => {
  it('take two positions in either order, on whole steps', () => {
    expect(between(20.4, 10.6)).toEqual({ from: 10, to: 21 })
  })
  it('never shrink below what shows single points', () => {
    expect(between(100, 100)).toEqual({ from: 98, to: 102 })
    expect(between(0, 0)).toEqual({ from: 0, to: 4 })
  })
  it('zoom around the point under the cursor, and not beyond the record', () => {
    expect(zoomAround({ from: 400, to: 600 }, 450, 0.5, whole)).toEqual({ from: 425, to: 525 })
    expect(zoomAround({ from: 400, to: 600 }, 450, 100, whole)).toEqual(whole)
  })
  it('pan without changing width, up to the ends', () => {
    expect(pan({ from: 400, to: 600 }, 100, whole)).toEqual({ from: 500, to: 700 })
    expect(pan({ from: 400, to: 600 }, -900, whole)).toEqual({ from: 0, to: 200 })
    expect(pan({ from: 400, to: 600 }, 900, whole)).toEqual({ from: 800, to: 1000 })
  })
  it('know when they hide nothing', () => {
    expect(coversAll(whole, whole)).toBe(true)
    expect(coversAll({ from: 1, to: 1000 }, whole)).toBe(false)
  })
  it('are fetched with a margin', () => {
    expect(withMargin({ from: 400, to: 600 })).toEqual({ from: 300, to: 700 })
    expect(withMargin({ from: 10, to: 110 })).toEqual({ from: 0, to: 160 })
  })
  it('map between steps and time, past the ends too', () => {
    expect(interpolate([0, 10, 20], [100, 110, 140], 15)).toBe(125)
    expect(interpolate([0, 10], [100, 110], 20)).toBe(120)
    expect(interpolate([5], [7], 9)).toBe(7)
  })
})
