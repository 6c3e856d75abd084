import type { PointColumns } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { eventFrames } from './frames.ts'

const columnsOf = (steps: number[], times: number[], losses: number[]): PointColumns => ({
  step: Float64Array.from(steps),
  time: Float64Array.from(times),
  metrics: new Map([['loss', { values: Float64Array.from(losses), present: null }]]),
})

it('merges neighbouring batches, with the time of arrival where a step has none', () => {
  const frames = eventFrames(
    'r',
    [
      { type: 'points', seq: 1, arrivedAt: 5000, columns: columnsOf([1, 2], [NaN, NaN], [0.5, NaN]) },
      { type: 'points', seq: 2, arrivedAt: 6000, columns: columnsOf([], [], []) },
      { type: 'points', seq: 3, arrivedAt: 7000, columns: columnsOf([3], [6.5], [Infinity]) },
    ],
    undefined,
  )
  expect(frames?.map((text) => JSON.parse(text) as unknown)).toEqual([
    {
      type: 'points',
      run: 'r',
      seq: 3,
      columns: { step: [1, 2, 3], time: [5, 5, 6.5], loss: [0.5, 'NaN', 'Infinity'] },
    },
  ])
})
