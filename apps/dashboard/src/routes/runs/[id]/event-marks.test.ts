import { expect, it } from 'vitest'
import { eventMarks, ONSET } from './event-marks.ts'

const event = (step: number, label = 'checkpoint') => ({ step, label, text: null })
const same = (step: number) => step

it('places events on the axis, and leaves out those beyond its ends', () => {
  const marks = eventMarks([event(5), event(50, 'resumed'), event(150)], same, { min: 10, max: 110 }, 1_000)
  expect(marks).toEqual([
    {
      left: 40,
      step: 50,
      shape: '▶',
      isOnset: false,
      label: 'resumed',
      place: { side: 'after', room: 60 },
      title: 'step 50: resumed',
    },
  ])
})

it('makes one mark of events that are closer than 24 pixels, and says how many', () => {
  const events = Array.from({ length: 1_000 }, (_, i) => event(i))
  const marks = eventMarks(events, same, { min: 0, max: 999 }, 3_000)
  expect(marks.length).toBe(125)
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
  const marks = eventMarks(events, same, { min: 0, max: 200 }, 1_000)
  expect(marks.map(({ shape, label }) => `${shape} ${label}`)).toEqual([
    '■ 2× checkpoint',
    '▶ resumed',
    '▲ lr group changed',
    '◆ a note',
    '◆ 2 events',
  ])
})

it('names onsets first, by their step, with what was noted there', () => {
  const onset = (step: number) => ({ step, label: ONSET, text: 'Clipping is saturated' })
  const events = [
    event(490, 'lr changed'),
    onset(500),
    onset(500),
    onset(800),
    event(801),
    event(802, 'note'),
  ]
  const marks = eventMarks(events, same, { min: 0, max: 1_000 }, 1_000)
  expect(marks.map(({ shape, isOnset, label }) => [shape, isOnset, label])).toEqual([
    ['◣', true, 'onset 500, lr changed'],
    ['◣', true, 'onset 800, 2 events'],
  ])
  expect(marks[0]?.title).toBe(
    'step 490: lr changed; step 500: onset, Clipping is saturated; step 500: onset, Clipping is saturated',
  )
})

it('puts a label before its mark where only there is room, and none where there is none', () => {
  const places = (...steps: number[]) =>
    eventMarks(
      steps.map((step) => event(step)),
      same,
      { min: 0, max: 1_000 },
      1_000,
    ).map(({ place }) => place)
  expect(places(990)).toEqual([{ side: 'before', room: 99 }])
  expect(places(500, 700, 740)).toEqual([
    { side: 'after', room: 10 },
    { side: 'before', room: 10 },
    { side: 'after', room: 26 },
  ])
  expect(places(850, 900, 950)).toEqual([{ side: 'before', room: 85 }, null, null])
})
