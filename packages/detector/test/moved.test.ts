import { describe, expect, it } from 'vitest'
import { recordedRun } from '../../importers/test/recorded-logs.ts'
import { findMoved } from '../src/index.ts'
import { column, innocents } from './innocent-metrics.ts'
import { noiseFrom } from './noise.ts'

const LENGTH = 300
const ONSET = 180
const step = Float64Array.from({ length: LENGTH }, (_, i) => i)
const made = (of: (i: number) => number | undefined) => column(LENGTH, of)

describe('what moved', () => {
  it('names a planted cause of five deviations first in 19 runs of 20, and an innocent in one of twenty at most', () => {
    let innocent = 0
    let first = 0
    for (let seed = 1; seed <= 20; seed++) {
      const noise = noiseFrom(seed * 17)
      const metrics = innocents(noise, 50, LENGTH)
      if (findMoved({ step, metrics }, ONSET).length > 0) innocent++
      const from = ONSET - 50 + Math.round(55 * noise.uniform())
      metrics.set(
        'planted',
        made((i) => 20 + noise.normal() / 5 + (i < from ? 0 : 1)),
      )
      if (findMoved({ step, metrics }, ONSET)[0]?.metric === 'planted') first++
    }
    expect(innocent).toBeLessThanOrEqual(1)
    expect(first).toBeGreaterThanOrEqual(FIRST)
  })

  it('counts a constant that became another, and names metrics that mirror each other once', () => {
    const lr = made((i) => (i < ONSET ? 3e-4 : 3e-3))
    const percent = { values: lr.values.map((value) => value * 100), present: null }
    const moved = findMoved(
      {
        step,
        metrics: new Map([
          ['lr', lr],
          ['lr_percent', percent],
        ]),
      },
      ONSET,
    )
    expect(moved).toMatchObject([{ metric: 'lr', ratio: 10, at_step: ONSET, lead: 0 }])
  })

  it('names what moved in verl-agent-opd-144822 at the step where its norm left', () => {
    const { points } = recordedRun('verl-agent-opd-144822')
    const moved = findMoved({ step: points.step, metrics: points.metrics }, 34).map(({ metric }) => metric)
    expect(moved).toContain('actor/reward_kl_penalty')
    expect(moved).toContain('response_length/mean')
    expect(moved).toContain('num_turns/max')
  })

  it('finds what moved three readings ago where the onset is the newest reading', () => {
    const kl = made((i) => (i < ONSET - 2 ? 1 : 5) * (1 + 0.05 * Math.sin(i * i)))
    const upTo = ({ values }: { values: Float64Array }) => ({
      values: values.slice(0, ONSET + 1),
      present: null,
    })
    const moved = findMoved({ step: step.slice(0, ONSET + 1), metrics: new Map([['kl', upTo(kl)]]) }, ONSET)
    expect(moved).toMatchObject([{ metric: 'kl', at_step: ONSET - 2, lead: -2 }])
  })

  it('ignores a counter that restarts, and reports a learning rate that leaps back', () => {
    const restarts = (i: number) => 100 - ((i + 10) % 190) / 2
    const metrics = new Map([
      ['epoch_left', made(restarts)],
      ['actor/lr', made((i) => restarts(i) * 1e-5)],
    ])
    expect(findMoved({ step, metrics }, ONSET).map(({ metric }) => metric)).toEqual(['actor/lr'])
  })

  it('looks for layers elsewhere, leaves out what is made of the norm, and names the norm of another part', () => {
    const jump = made((i) => (i < ONSET - 3 ? 1 : 9))
    const names = [
      'grad_norm',
      'grad_norm/gen',
      'grad_norm/disc',
      'post_norm/disc',
      'layers/0',
      'clip_fraction',
    ]
    const metrics = new Map(names.map((name) => [name, jump]))
    const found = (part: string | null) =>
      findMoved({ step, metrics }, ONSET, part).map(({ metric }) => metric)
    expect(found(null)).toEqual([])
    expect(found('gen')).toEqual(['grad_norm/disc'])
  })
})

const FIRST = 19
