import { describe, expect, it } from 'vitest'
import { findLevelChange } from '../src/series/change-point.ts'
import type { FindingKind, Reading } from '../src/index.ts'
import { noiseFrom } from './noise.ts'
import { clipAt, reading } from './readings.ts'
import { judgeAll } from './recorded-runs.ts'

function onsetOf(
  kind: FindingKind,
  length: number,
  parts: (step: number, small: number) => Partial<Reading>,
) {
  const noise = noiseFrom(5)
  const run = Array.from({ length }, (_, i) => reading(i * 10, parts(i, 1 + 0.05 * noise.normal())))
  for (const { change } of judgeAll(run, clipAt(1)).changes)
    if (change.type === 'opened' && change.kind === kind) return change.onset
  throw new Error(`${kind} did not open.`)
}

describe('the onset of a finding', () => {
  it.each([40, 150, 700])('is the step of the jump, in a run that jumps at point %i', (at) => {
    const jumps = (i: number, small: number) => ({ gradNorm: (i < at ? 0.3 : 3) * small })
    expect(onsetOf('clip_saturated', at + 200, jumps)).toBe(at * 10)
    expect(onsetOf('clip_regime_change', at + 200, jumps)).toBe(at * 10)
  })

  it('is the first step in a run that was saturated from its start', () => {
    expect(onsetOf('clip_saturated', 100, (_, small) => ({ gradNorm: 3 * small }))).toBe(0)
  })

  it('is that of the first NaN, skipped step, low norm or spike', () => {
    expect(onsetOf('nonfinite', 100, (i) => ({ gradNorm: i < 50 ? 1 : NaN, lossScale: 4 }))).toBe(500)
    expect(onsetOf('skip_streak', 100, (i) => ({ skipped: i < 50 ? 0 : 1 }))).toBe(500)
    expect(onsetOf('vanishing', 150, (i, small) => ({ gradNorm: (i < 50 ? 1 : 1e-9) * small }))).toBe(500)
    expect(onsetOf('spike', 100, (i, small) => ({ gradNorm: i === 50 ? 90 : 0.1 * small }))).toBe(500)
  })

  it.each([30, 60, 100])('is within a tenth of the length of a drift over %i points', (length) => {
    for (let seed = 1; seed <= 20; seed++) {
      const noise = noiseFrom(seed)
      const values = Array.from(
        { length: 200 },
        (_, i) => 2 * Math.min(1, Math.max(0, (i - 59) / length)) + 0.1 * noise.normal(),
      )
      expect(Math.abs((findLevelChange(values)?.start ?? NaN) - 60)).toBeLessThanOrEqual(length / 10)
    }
  })

  it('is not found in noise', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const noise = noiseFrom(seed)
      expect(findLevelChange(Array.from({ length: 200 }, () => noise.normal()))).toBeUndefined()
    }
  })
})
