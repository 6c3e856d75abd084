import type { Finding } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { aroundSpan, findingSpans, placeOf, rowsOfSpans } from './finding-spans.ts'

const finding = (over: Partial<Finding>) =>
  ({
    id: 'f',
    kind: 'spike',
    severity: 'info',
    state: 'closed',
    opened_step: 10,
    closed_step: 20,
    ...over,
  }) as Finding

describe('findings on the time line', () => {
  it('reach to the newest step while open, and to their end once closed', () => {
    const spans = findingSpans(
      [finding({}), finding({ state: 'open', closed_step: null, severity: 'critical' })],
      99,
    )
    expect(spans.map(({ from, to, colour, isOpen }) => [from, to, colour, isOpen])).toEqual([
      [10, 20, 'info', false],
      [10, 99, 'flagged', true],
    ])
  })
  it('have no place without a step, and a point when they closed at no later step', () => {
    expect(findingSpans([finding({ opened_step: null })], 99)).toEqual([])
    expect(findingSpans([finding({ closed_step: null })], 99)).toMatchObject([{ from: 10, to: 10 }])
  })
  it('are zoomed to with what lies around them', () => {
    const whole = { from: 0, to: 1_499 }
    expect(aroundSpan({ from: 1000, to: 1010 }, whole)).toEqual({ from: 950, to: 1060 })
    expect(aroundSpan({ from: 100, to: 900 }, whole)).toEqual({ from: 0, to: 1300 })
  })
  it('are shown within the record, and closer where they take most of it', () => {
    const whole = { from: 0, to: 2_999 }
    expect(aroundSpan({ from: 2_500, to: 2_999 }, whole)).toEqual({ from: 2_250, to: 2_999 })
    expect(aroundSpan({ from: 800, to: 2_999 }, whole)).toEqual({ from: 690, to: 2_999 })
    expect(aroundSpan({ from: 0, to: 499 }, { from: 0, to: 700 })).toEqual({ from: 0, to: 524 })
  })
  it('lie where their steps are, cut off at the ends', () => {
    expect(placeOf(25, 50, 0, 100)).toEqual({ left: 25, width: 25 })
    expect(placeOf(-50, 50, 0, 100)).toEqual({ left: 0, width: 50 })
    expect(placeOf(150, 160, 0, 100)).toBeUndefined()
  })
})

describe('findings that overlap', () => {
  it('stand in rows of their own, the longer ones first, and share a row where they do not overlap', () => {
    const [long, early, late, third] = [
      { from: 0, to: 100 },
      { from: 0, to: 10 },
      { from: 11, to: 50 },
      { from: 40, to: 60 },
    ]
    const rows = rowsOfSpans([early, late, third, long])
    expect([long, early, late, third].map((span) => rows.get(span))).toEqual([0, 1, 1, 2])
  })
})
