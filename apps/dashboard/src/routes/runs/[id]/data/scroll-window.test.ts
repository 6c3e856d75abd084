import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scrollWindow, topOfRow } from './scroll-window.ts'

const [VIEW, ROW] = [520, 26]

describe('rows on screen', () => {
  it.each([1, 20, 21, 1000, 1_000_000, 10_000_000])('reach from the first to the last of %i', (rows) => {
    const top = scrollWindow(0, VIEW, rows, ROW)
    expect([top.first, top.above]).toEqual([0, 0])
    const bottom = scrollWindow(Math.max(0, top.height - VIEW), VIEW, rows, ROW)
    expect(bottom.end).toBe(rows)
    expect(top.height).toBeLessThan(17_000_000)
  })
  it('begin with the row that was asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rows, at) => {
          const row = Math.floor(at * Math.max(0, rows - VIEW / ROW))
          // a scroll bar stands on whole pixels
          const { first, end } = scrollWindow(Math.round(topOfRow(row, VIEW, rows, ROW)), VIEW, rows, ROW)
          expect(Math.abs(first - row)).toBeLessThanOrEqual(Math.ceil((rows * ROW) / 8_000_000))
          expect(end - first).toBeLessThanOrEqual(VIEW / ROW + 1)
        },
      ),
    )
  })
})
