import { expect, it } from 'vitest'
import {
  gradientMetrics,
  latestLoss,
  lossMetrics,
  lossTitle,
  metricOfPart,
  partsOf,
  worstPart,
} from '#lib/format/run-parts.ts'

const clipping = {
  window: 200,
  rate: null,
  rate_total: null,
  mean_coefficient: null,
  current_streak: 0,
  longest_streak: 0,
}
const run = { clip: { mode: 'norm', max_norm: 1 }, clipping, health: 'flagged', latest: { loss: 2 } } as const
const part = (name: string, health: 'ok' | 'watch' | 'flagged', rate: number) => ({
  ...run,
  name,
  health,
  clipping: { ...clipping, rate },
})
const gan = {
  ...run,
  parts: [part('generator', 'ok', 0.9), part('critic', 'flagged', 0.8), part('aux', 'flagged', 1)],
}

it('a run without parts, or of a server that knows none, is its own only part', () => {
  expect(partsOf(run)).toEqual([{ name: null, ...run }])
  expect(gradientMetrics({ ...run, parts: [] })).toEqual(['grad_norm', 'max_norm', 'clip_fraction'])
})

it('a run whose gradients all belong to parts has no own gradients', () => {
  expect(partsOf(gan).map(({ name }) => name)).toEqual(['generator', 'critic', 'aux'])
  expect(partsOf({ ...gan, latest: { grad_norm: 1 } })).toHaveLength(4)
  expect(gradientMetrics(gan)).toContain('max_norm/critic')
})

it('names the part that needs attention first', () => {
  expect(worstPart(gan).name).toBe('aux')
  expect(metricOfPart('loss', 'aux')).toBe('loss/aux')
})

it('the losses of a run are its own and those of its parts', () => {
  expect(lossMetrics({ ...run, latest: {} })).toEqual(['loss'])
  expect(latestLoss({ ...run, latest: { loss: 3 } })).toBe(3)
  expect(latestLoss({ ...gan, latest: {} })).toBe(2)
  expect(lossMetrics(gan)).toEqual(['loss', 'loss/generator', 'loss/critic', 'loss/aux'])
  expect(lossMetrics({ ...gan, latest: {} }).map(lossTitle)).toEqual([
    'Loss of generator',
    'Loss of critic',
    'Loss of aux',
  ])
})
