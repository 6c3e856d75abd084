import { expect, it } from 'vitest'
import { eventMarks } from './event-marks.ts'

const event = (step: number, label = 'checkpoint') => ({ step, label, text: null })
const same = (step: number) => step

it('places events on the axis, and leaves out those beyond its ends', () => {
  const marks = eventMarks([event(5), event(50, 'resumed'), event(150)], same, { min: 10, max: 110 })
  expect(marks).toEqual([
    { left: 40, step: 50, shape: '▶', label: 'resumed', room: 60, title: 'step 50: resumed' },
  ])
})

it('makes one mark of events that stand close together, and says how many', () => {
  const events = Array.from({ length: 1_000 }, (_, i) => event(i))
  const marks = eventMarks(events, same, { min: 0, max: 999 })
  expect(marks.length).toBeLessThanOrEqual(126)
  expect(marks[0]?.title).toBe(
    'step 0: checkpoint; step 1: checkpoint; step 2: checkpoint; and 5 more events',
  )
})

it('tells kinds apart by their shapes, and names what a mark stands for', () => {
  const events = [
    event(0),
    event(1),
    event(20, 'resumed'),
    event(40, 'lr group changed'),
    event(60, 'a note'),
    event(80),
    event(80, 'a note'),
  ]
  const marks = eventMarks(events, same, { min: 0, max: 200 })
  expect(marks.map(({ shape, label }) => `${shape} ${label}`)).toEqual([
    '■ 2× checkpoint',
    '▶ resumed',
    '▲ lr group changed',
    '◆ a note',
    '◆ 2 events',
  ])
})
