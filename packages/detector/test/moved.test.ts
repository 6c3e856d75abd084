import { describe, expect, it } from 'vitest'
import { recordedRun } from '../../importers/test/recorded-logs.ts'
import { findMoved } from '../src/index.ts'
import { noiseFrom, type Noise } from './noise.ts'

const LENGTH = 300
const ONSET = 180
const step = Float64Array.from({ length: LENGTH }, (_, i) => i)
const column = (of: (i: number) => number) => ({ values: Float64Array.from(step, of), present: null })

/** Metrics that have nothing to do with the onset: white, with a memory, heavy-tailed, counters, saw-teeth. */
function innocents(noise: Noise) {
  const makers = [
    () => column(() => 1 + 0.1 * noise.normal()),
    () => {
      let last = noise.normal()
      return column(() => 1 + 0.1 * (last = 0.9 * last + Math.sqrt(0.19) * noise.normal()))
    },
    () => column(() => Math.exp(noise.student(3))),
    () => column((i) => 10 * i + 1),
    () => column((i) => (i % 37) + 0.1),
  ]
  return new Map(
    Array.from({ length: 50 }, (_, i) => [`m${i}`, (makers[i % 5] as () => ReturnType<typeof column>)()]),
  )
}

describe('what moved', () => {
  it('names a planted cause of five deviations first in nine runs of ten, and an innocent in one of twenty at most', () => {
    let innocent = 0
    let first = 0
    for (let seed = 1; seed <= 20; seed++) {
      const noise = noiseFrom(seed * 17)
      const metrics = innocents(noise)
      if (findMoved({ step, metrics }, ONSET).length > 0) innocent++
      const from = ONSET - 50 + Math.round(55 * noise.uniform())
      metrics.set(
        'planted',
        column((i) => 20 + noise.normal() / 5 + (i < from ? 0 : 1)),
      )
      if (findMoved({ step, metrics }, ONSET)[0]?.metric === 'planted') first++
    }
    expect(innocent).toBeLessThanOrEqual(1)
    expect(first).toBeGreaterThanOrEqual(FIRST)
  })

  it('counts a constant that became another, and names metrics that mirror each other once', () => {
    const lr = column((i) => (i < ONSET ? 3e-4 : 3e-3))
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
  })
})

const FIRST = 18
