import { describe, expect, it } from 'vitest'
import { clipAt, reading } from '../../test/readings.ts'
import {
  defaultSettings,
  end,
  judge,
  newState,
  silence,
  verdict,
  type RunFacts,
  type Verdict,
} from '../index.ts'

function verdictOf(norms: readonly number[], facts: RunFacts = clipAt(1), interval = 1): Verdict {
  const state = newState()
  norms.forEach((gradNorm, i) => judge(state, reading(i * interval, { gradNorm }), facts, defaultSettings))
  return verdict(state, facts, defaultSettings)
}

describe('the verdict', () => {
  it('counts streaks in steps, from the first to the last clipped point, both included', () => {
    const { clipping } = verdictOf([2, 2, 2, 0.5, 2, 2], clipAt(1), 10)
    expect(clipping).toMatchObject({ currentStreak: 11, longestStreak: 21 })
  })

  it('lets a non-finite norm neither end a streak nor count for a rate', () => {
    const { clipping } = verdictOf([2, NaN, Infinity, 2])
    expect(clipping).toEqual({ window: 2, rate: 1, meanCoefficient: 0.5, currentStreak: 4, longestStreak: 4 })
  })

  it('takes the mean of min(1, cap / norm), and no norm equal to the cap for clipped', () => {
    const { clipping } = verdictOf([0.5, 1, 2, 4])
    expect(clipping.rate).toBe(0.5)
    expect(clipping.meanCoefficient).toBeCloseTo((1 + 1 + 0.5 + 0.25) / 4, 6)
  })

  it('has no rate without a cap', () => {
    const { clipping } = verdictOf([2, 2], { clip: { mode: 'none' }, optimizer: null })
    expect(clipping).toMatchObject({ window: 0, rate: null, meanCoefficient: null })
  })

  it('watches a clip rate above 0.3', () => {
    expect(verdictOf(Array.from({ length: 60 }, (_, i) => (i % 10 < 3 ? 2 : 0.5))).health).toBe('ok')
    expect(verdictOf(Array.from({ length: 60 }, (_, i) => (i % 10 < 4 ? 2 : 0.5))).health).toBe('watch')
  })

  it('stays as it was at the end when late readings come, and follows the run when it is taken up again', () => {
    const state = newState()
    const say = (step: number, gradNorm: number): void => {
      judge(state, reading(step, { gradNorm }), clipAt(1), defaultSettings)
    }
    for (let step = 0; step < 40; step++) say(step, step === 39 ? NaN : 0.5)
    end(state, 'finished', clipAt(1), defaultSettings)
    say(39, 0.5)
    expect(end(state, 'failed', clipAt(1), defaultSettings)).toEqual([])
    expect(verdict(state, clipAt(1), defaultSettings).health).toBe('flagged')
    for (let step = 40; step < 100; step++) say(step, 0.5)
    expect(verdict(state, clipAt(1), defaultSettings).health).toBe('ok')
  })

  it('does not hold it against a run that it was silent before it ended', () => {
    const state = newState()
    for (let step = 0; step < 30; step++)
      judge(state, reading(step, { gradNorm: 0.5 }), clipAt(1), defaultSettings)
    silence(state, 120, clipAt(1), defaultSettings)
    expect(verdict(state, clipAt(1), defaultSettings).health).toBe('flagged')
    expect(end(state, 'failed', clipAt(1), defaultSettings)).toMatchObject([
      { type: 'closed', kind: 'stalled', reason: 'run_failed' },
    ])
    expect(verdict(state, clipAt(1), defaultSettings).health).toBe('ok')
  })
})
