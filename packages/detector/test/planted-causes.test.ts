import { describe, expect, it } from 'vitest'
import { explainedDiagnosis } from '../src/index.ts'
import { diagnosesOf, scenarios } from './planted-causes.ts'

const SEEDS = [1, 2, 3]
const named = Object.entries(scenarios).filter(([, { planted }]) => planted !== null)

describe('a planted cause', () => {
  it.each(named)(
    'is named in two of three made runs at least: %s',
    (_, scenario) => {
      const isNamed = (seed: number) =>
        diagnosesOf(scenario, seed).some(({ causes }) =>
          causes.some(({ cause }) => cause === scenario.planted),
        )
      expect(SEEDS.filter(isNamed).length).toBeGreaterThanOrEqual(SEEDS.length - 1)
    },
    60_000,
  )

  it('is what nine of ten causes with weight 0.6 or more name', () => {
    const heavy = Object.values(scenarios).flatMap((scenario) =>
      SEEDS.flatMap((seed) =>
        diagnosesOf(scenario, seed)
          .flatMap(({ causes }) => causes.filter(({ weight }) => weight >= 0.6))
          .map(({ cause }) => cause === scenario.planted),
      ),
    )
    expect(heavy.length).toBeGreaterThan(20)
    expect(heavy.filter(Boolean).length).toBeGreaterThanOrEqual(0.9 * heavy.length)
  }, 60_000)
})

describe('a diagnosis with what was found around the beginning', () => {
  const lr = { metric: 'lr', before: 1e-4, after: 1e-3, ratio: 10, at_step: 33, lead: -1, effect: 1e6 }
  const reward = { ...lr, metric: 'reward', before: 0.7, after: 0.1, ratio: 0.14 }
  const loss = { ...lr, metric: 'critic/loss' }
  const seconds = { ...lr, metric: 'timing_s/step' }
  const around = { onset: 34, moved: [], layers: [], events: [], readingsAtLr: 0 }
  const resumed = { step: 30, label: 'resumed', text: null }

  it('cites the lr that rose and the event that was noted, by step', () => {
    const causes = explainedDiagnosis('clip_saturated', [], { ...around, moved: [lr], events: [resumed] })
    expect(causes).toMatchObject([
      {
        cause: 'lr_too_high',
        because: 'The learning rate lr rose from 0.0001 to 0.001 at step 33, one step before the norm.',
      },
      { cause: 'noted_event', because: '“resumed” was noted at step 30, 4 steps before the norm.' },
    ])
  })
  it('gives a cause that both speak for more weight, and never all', () => {
    const known = { cause: 'lr_too_high', weight: 0.8, because: 'The norm follows lr.', look_at: 'lr' }
    const [cause] = explainedDiagnosis('clip_saturated', [known], { ...around, moved: [lr] })
    expect(cause).toMatchObject({
      weight: 0.95,
      because: expect.stringMatching(/follows lr\. The learning rate lr rose from/),
    })
  })
  it('passes over checkpoints, evaluations, what was only observed, an lr that fell and what came after the norm', () => {
    const observed = ['batch', 'non-finite gradients', 'ranks disagree']
    const events = ['checkpoint', 'eval', 'checkpoint saved', ...observed].map((label) => ({
      ...resumed,
      label,
    }))
    const moved = [
      { ...lr, ratio: 0.1 },
      { ...lr, metric: 'batch_size', lead: 2 },
    ]
    expect(explainedDiagnosis('clip_saturated', [], { ...around, moved, events })).toEqual([])
  })
  it.each([
    ['a metric moved before the norm', { moved: [reward] }, false],
    ['something was changed', { events: [resumed] }, false],
    ['only the loss and the time of a step moved', { moved: [loss, seconds] }, true],
    ['a metric moved after the norm', { moved: [{ ...reward, lead: 1 }] }, true],
    ['a checkpoint was saved', { events: [{ ...resumed, label: 'checkpoint' }] }, true],
    ['lr had been as high for less than 20 readings', { moved: [reward], readingsAtLr: 19 }, true],
  ])('blames an lr that stood still for long only if nothing else moved first: %s', (_, found, isNamed) => {
    const known = { cause: 'lr_too_high', weight: 0.4, because: 'The norm rose.', look_at: 'lr' }
    const causes = explainedDiagnosis('clip_saturated', [known], { ...around, readingsAtLr: 33, ...found })
    expect(causes.some(({ cause }) => cause === 'lr_too_high')).toBe(isNamed)
  })
  it.each([
    ['carried as much before the norm grew', 0.95, false],
    ['took over when the norm grew', 0.3, true],
  ])('names a layer that carries the norm unless it %s', (_, share_before, isNamed) => {
    const known = { cause: 'one_layer', weight: 0.8, because: 'The layer head carries 99%.', look_at: 'head' }
    const head = { layer: 'head', at_step: 34, lead: 0, share_before, share_after: 0.99, nonfinite: false }
    const causes = explainedDiagnosis('spike', [known], { ...around, layers: [head] })
    expect(causes.length).toBe(isNamed ? 1 : 0)
  })
  it('leaves a kind that is its own explanation, or that is not known here, as it is', () => {
    for (const kind of ['stalled', 'of_tomorrow'])
      expect(explainedDiagnosis(kind, [], { ...around, moved: [lr], events: [resumed] })).toEqual([])
  })
})
