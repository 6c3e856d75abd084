import { describe, expect, it } from 'vitest'
import { defaultSettings, end, judge, newState, silence, verdict, type Change } from '../index.ts'
import { clipAt, reading } from '../../test/readings.ts'

const facts = clipAt(1)

function fold(norms: readonly number[], state = newState()): { state: typeof state; changes: Change[] } {
  const changes = norms.flatMap((gradNorm, step) =>
    judge(state, reading(step, { gradNorm }), facts, defaultSettings),
  )
  return { state, changes }
}

describe('judge', () => {
  it('opens clip_saturated once when four steps of five are clipped, and closes it when half are not', () => {
    const { changes } = fold([...Array(50).fill(2), ...Array(50).fill(0.5)])
    expect(changes.map(({ type, kind, step }) => [type, kind, step])).toEqual([
      ['opened', 'clip_saturated', 24],
      ['opened', 'clip_regime_change', 59],
      ['closed', 'clip_regime_change', 59],
      ['closed', 'clip_saturated', 62],
    ])
  })

  it('judges the parts of one step that come in two calls, and ignores what is late', () => {
    const state = newState()
    expect(judge(state, reading(5, { gradNorm: 0.5 }), facts, defaultSettings)).toEqual([])
    const [opened] = judge(state, reading(5, { loss: NaN }), facts, defaultSettings)
    expect(opened).toMatchObject({ type: 'opened', kind: 'nonfinite', severity: 'critical', step: 5 })
    expect(judge(state, reading(5, { loss: NaN, gradNorm: NaN }), facts, defaultSettings)).toEqual([])
    expect(judge(state, reading(4, { loss: NaN, gradNorm: NaN }), facts, defaultSettings)).toEqual([])
    expect(verdict(state, facts, defaultSettings).health).toBe('flagged')
  })

  it('says unknown until 20 norms are in, then ok', () => {
    const { state } = fold(Array(19).fill(0.5))
    expect(verdict(state, facts, defaultSettings).health).toBe('unknown')
    judge(state, reading(19, { gradNorm: 0.5 }), facts, defaultSettings)
    expect(verdict(state, facts, defaultSettings).health).toBe('ok')
  })

  it('judges a short run at its end, closes what is open and keeps the verdict', () => {
    const { state } = fold(Array(12).fill(2))
    expect(end(state, 'finished', facts, defaultSettings)).toMatchObject([
      { type: 'opened', kind: 'clip_saturated', severity: 'warning', step: 11 },
      { type: 'closed', kind: 'clip_saturated', reason: 'run_finished' },
    ])
    expect(verdict(state, facts, defaultSettings).health).toBe('flagged')
  })

  it('calls a run stalled after ten of its own intervals, and not twice; the next reading closes it', () => {
    const state = newState()
    for (let step = 0; step < 10; step++)
      judge(state, reading(step, { time: step * 30, gradNorm: 0.5 }), facts, defaultSettings)
    expect(silence(state, 299, facts, defaultSettings)).toEqual([])
    expect(silence(state, 300, facts, defaultSettings)).toMatchObject([{ type: 'opened', kind: 'stalled' }])
    expect(silence(state, 900, facts, defaultSettings)).toEqual([])
    expect(judge(state, reading(10, { gradNorm: 0.5 }), facts, defaultSettings)).toMatchObject([
      { type: 'closed', kind: 'stalled', reason: 'recovered' },
    ])
  })
})
