import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyBuckets, type SeriesWindow } from '#lib/chart/series-window.ts'
import { Tail } from './tail.ts'

const window = (to: number, bucket = 1): SeriesWindow => ({
  from: 0,
  to,
  isOpen: true,
  bucket,
  metrics: new Map([
    [
      'grad_norm',
      { step: [0], time: [100], min: [1], max: [2], last: [2], count: [4], nonfinite: [0], over: [1] },
    ],
  ]),
})
const clip = { mode: 'norm', max_norm: 1 } as const
const frame = (step: number[], grad_norm: (number | 'NaN' | 'Infinity' | null)[]) => ({
  step,
  time: step.map((s) => 100 + s),
  grad_norm,
})

describe('the live tail', () => {
  it('goes on in the window’s last bucket and then in new ones', () => {
    const tail = new Tail()
    tail.add(frame([4, 5, 8], [5, 0.5, 'NaN']))
    expect(tail.extend(window(3, 8), 'grad_norm', clip)).toEqual({
      step: [0, 8],
      time: [100, 108],
      min: [0.5, null],
      max: [5, null],
      last: [0.5, NaN],
      count: [6, 1],
      nonfinite: [0, 1],
      over: [2, 0],
    })
  })
  it('does not go on where a window of earlier steps ends', () => {
    const tail = new Tail()
    tail.add(frame([40], [9]))
    const earlier = { ...window(3), isOpen: false }
    expect(tail.extend(earlier, 'grad_norm', clip)).toEqual(earlier.metrics.get('grad_norm'))
  })
  it('adds nothing that the window has', () => {
    const tail = new Tail()
    tail.add(frame([2, 3], [9, 9]))
    expect(tail.extend(window(3), 'grad_norm', clip)).toEqual(window(3).metrics.get('grad_norm'))
  })
  it('judges a step by its own cap where one was logged, and by the share of clamped elements', () => {
    const tail = new Tail()
    tail.add({ ...frame([4, 5], [3, 3]), max_norm: [4, null], clip_fraction: [0.5, 0] })
    expect(tail.extend(window(3), 'grad_norm', clip).over).toEqual([1, 0, 1])
    expect(tail.extend(window(3), 'grad_norm', { mode: 'value', clip_value: 1 }).over).toEqual([1, 1, 0])
  })
  it('judges the norm of a part by what the part logged', () => {
    const tail = new Tail()
    const { step, time } = frame([4, 5], [])
    tail.add({ step, time, 'grad_norm/critic': [3, 3], max_norm: [9, 9], 'max_norm/critic': [2, 4] })
    const empty = { ...window(3), metrics: new Map() }
    expect(tail.extend(empty, 'grad_norm/critic', clip).over).toEqual([1, 0])
  })
  it('judges no norm that is not finite', () => {
    const tail = new Tail()
    tail.add(frame([4], ['Infinity']))
    expect(tail.extend(window(3), 'grad_norm', clip).over).toEqual([1, 0])
  })
  it('puts a metric together once, however often it is asked for, and again after the next point', () => {
    const tail = new Tail()
    const open = window(3)
    tail.add(frame([4], [1]))
    const first = tail.extend(open, 'grad_norm', clip)
    expect(tail.extend(open, 'grad_norm', { ...clip })).toBe(first)
    tail.add(frame([5], [1]))
    expect(tail.extend(open, 'grad_norm', clip).step).toEqual([0, 4, 5])
    expect(tail.extend(open, 'grad_norm', { ...clip, max_norm: 0.5 }).over).toEqual([1, 1, 1])
  })
  it('forgets what a newer window holds', () => {
    const tail = new Tail()
    tail.add(frame([4, 5, 6], [1, 1, 1]))
    tail.dropThrough(5)
    expect([tail.size, tail.lastStep]).toEqual([1, 6])
  })
  it('comes to the same whatever the order and however often points arrive', () => {
    const steps = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1 })
    fc.assert(
      fc.property(steps, fc.array(fc.nat()), fc.constantFrom(1, 4, 16), (all, picks, bucket) => {
        const once = new Tail()
        const often = new Tail()
        const value = (step: number) => (step * 7919) % 13
        const ordered = [...all].sort((a, b) => a - b)
        once.add(frame(ordered, ordered.map(value)))
        for (const step of [...picks.map((pick) => all[pick % all.length] as number), ...all]) {
          often.add(frame([step], [value(step)]))
        }
        const empty = { ...window(-1, bucket), metrics: new Map([['grad_norm', emptyBuckets()]]) }
        expect(often.extend(empty, 'grad_norm', clip)).toEqual(once.extend(empty, 'grad_norm', clip))
      }),
    )
  })
})
