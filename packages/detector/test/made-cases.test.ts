import { describe, expect, it } from 'vitest'
import {
  defaultSettings,
  judge,
  newState,
  parseSettings,
  verdict,
  type Change,
  type FindingKind,
  type Reading,
  type RunFacts,
  type Settings,
} from '../src/index.ts'
import { noiseFrom } from './noise.ts'
import { clipAt, reading } from './readings.ts'
import { judgeAll } from './recorded-runs.ts'

/** A run made step by step; every case has the same quiet noise in norm and loss. */
function made(length: number, parts: (step: number, noise: () => number) => Partial<Reading>): Reading[] {
  const noise = noiseFrom(7)
  const small = (): number => 1 + 0.05 * noise.normal()
  return Array.from({ length }, (_, step) => reading(step, parts(step, small)))
}

/** `kind@step` of what opened and closed, in order, before the run was ended. */
function edges(readings: readonly Reading[], facts: RunFacts = clipAt(1), settings?: Settings): string[] {
  return openedOrClosed(readings, facts, settings).map(
    ({ type, kind, step }) => `${type === 'opened' ? '+' : '-'}${kind}@${step}`,
  )
}

function openedOrClosed(readings: readonly Reading[], facts: RunFacts, settings = defaultSettings): Change[] {
  const state = newState()
  return readings.flatMap((reading) => judge(state, reading, facts, settings))
}

function causesOf(readings: readonly Reading[], kind: FindingKind, facts = clipAt(1)): string[] {
  const change = judgeAll(readings, facts).changes.find(
    (entry) => entry.change.type === 'opened' && entry.change.kind === kind,
  )?.change
  return change?.type === 'opened' ? change.diagnosis.map(({ cause }) => cause) : ['not opened']
}

describe('NaN and mixed precision', () => {
  it('opens nonfinite at the first NaN, once, and closes it after 50 finite points', () => {
    const run = made(200, (step, small) => ({
      gradNorm: 0.5 * small(),
      loss: step >= 100 && step < 110 ? NaN : 2 * small(),
    }))
    expect(edges(run)).toEqual(['+nonfinite@100', '-nonfinite@159'])
  })

  it('takes an infinite norm now and then for the normal search of a loss scaler', () => {
    const run = made(3000, (step, small) => ({
      gradNorm: step % 500 === 499 ? Infinity : 0.5 * small(),
      skipped: step % 500 === 499 ? 1 : 0,
      lossScale: 65_536,
    }))
    expect(edges(run)).toEqual([])
  })

  it('opens nonfinite and skip_streak when the scaler halves and skips step after step, and says why', () => {
    const overflow = (step: number): boolean => step >= 100 && step < 112
    const run = made(130, (step, small) => ({
      gradNorm: overflow(step) ? Infinity : 0.5 * small(),
      skipped: overflow(step) ? 1 : 0,
      lossScale: 65_536 / 2 ** Math.min(12, Math.max(0, step - 99)),
    }))
    expect(edges(run)).toEqual(['+nonfinite@102', '+skip_streak@104'])
    expect(causesOf(run, 'nonfinite')).toEqual(['amp_overflow'])
    expect(causesOf(run, 'skip_streak')).toEqual(['amp_overflow'])
  })

  it('opens nonfinite at the first one when the scale can go no lower', () => {
    const run = made(60, (step) => ({ gradNorm: step === 40 ? NaN : 0.5, lossScale: 1 }))
    expect(edges(run)).toEqual(['+nonfinite@40'])
  })

  it('opens nonfinite when more than 1 % of 1,000 points overflow', () => {
    const run = made(1000, (step) => ({ gradNorm: step % 40 === 39 ? Infinity : 0.5, lossScale: 1024 }))
    expect(edges(run)).toEqual(['+nonfinite@439'])
  })

  it('does not call a NaN loss a spike or a divergence as well', () => {
    const run = made(60, (step, small) => ({
      gradNorm: step === 50 ? 50 : 0.5 * small(),
      loss: step === 50 ? NaN : 2 * small(),
    }))
    expect(edges(run)).toEqual(['+nonfinite@50'])
  })

  it('takes norms of exactly 0 with a loss for vanishing, and underflow for the cause', () => {
    const run = made(120, (step, small) => ({
      gradNorm: step < 60 ? 0.5 * small() : 0,
      loss: 2 * small(),
      zeroFraction: step < 60 ? 0.01 : 0.99,
    }))
    expect(edges(run)).toEqual(
      ['+vanishing@79', '+clip_regime_change@72', '-clip_regime_change@72'].sort(byStep),
    )
    expect(causesOf(run, 'vanishing')).toEqual(['amp_underflow'])
  })

  it.each([
    ['below 1e-7 from the start', 1e-8, 1e-8, 19],
    ['to a thousandth of what it was, and less', 0.5, 0.0004, 79],
  ])('takes a norm %s for vanishing', (_, before, after, opens) => {
    const run = made(120, (step, small) => ({ gradNorm: (step < 60 ? before : after) * small() }))
    expect(edges(run)).toContain(`+vanishing@${opens}`)
  })

  it('does not take a norm that falls a hundredfold for vanishing', () => {
    const run = made(120, (step, small) => ({ gradNorm: (step < 60 ? 0.5 : 0.005) * small() }))
    expect(edges(run).filter((edge) => edge.includes('vanishing'))).toEqual([])
  })

  it('names a norm that was never unscaled', () => {
    const run = made(100, (step, small) => {
      const lossScale = 65_536 / 2 ** Math.floor(step / 25)
      return { gradNorm: 0.5 * small() * lossScale, lossScale, loss: 2 * small() }
    })
    expect(causesOf(run, 'clip_saturated')[0]).toBe('not_unscaled')
  })
})

describe('clipping', () => {
  it('judges clipping by value by the share of clamped elements, and one outlier element is not saturation', () => {
    const facts: RunFacts = { clip: { mode: 'value', clip_value: 0.5 }, optimizer: null }
    const outliers = made(100, () => ({ clipFraction: 0.001, gradNorm: 5 }))
    expect(edges(outliers, facts)).toEqual([])
    const saturated = made(100, () => ({ clipFraction: 0.05, gradNorm: 5 }))
    expect(edges(saturated, facts)).toEqual(['+clip_saturated@24'])
  })

  it('says that the norms logged are those after clipping', () => {
    const run = made(150, (_, small) => ({ gradNorm: Math.min(1, 3 * small()) * 0.9999997 }))
    expect(edges(run)).toEqual(['+looks_post_clip@99'])
  })

  it('says that a clip call does nothing, and takes it back once it works', () => {
    const run = made(100, (step, small) => ({ gradNorm: 0.9, postNorm: step < 50 ? 2 * small() : 0.8 }))
    expect(edges(run)).toEqual(['+clip_ineffective@4', '-clip_ineffective@54'])
  })

  it('keeps saturation in warm-up to watch, and opens it when warm-up ends', () => {
    const lr = (step: number): number => Math.min(step + 1, 100)
    const run = made(200, (step, small) => ({ gradNorm: 3 * small(), lr: lr(step) }))
    const state = newState()
    for (const reading of run.slice(0, 110)) judge(state, reading, clipAt(1), defaultSettings)
    expect(verdict(state, clipAt(1), defaultSettings)).toMatchObject({
      health: 'watch',
      warmUp: true,
      conditions: [{ kind: 'clip_saturated', phase: 'pending', sinceStep: 19 }],
    })
    expect(edges(run)).toEqual(['+clip_saturated@124'])
  })

  it('judges each step by its own cap where one is logged', () => {
    const run = made(100, (step) => ({ gradNorm: 2, cap: step < 50 ? 3 : 1 }))
    expect(edges(run)[0]).toBe('+clip_regime_change@59')
    expect(edges(run)).toContain('+clip_saturated@74')
  })

  it('judges a run that only logs by its reference cap, and by nothing without one', () => {
    const run = made(100, () => ({ gradNorm: 2 }))
    expect(edges(run, { clip: { mode: 'none', max_norm: 1 }, optimizer: null })).toEqual([
      '+clip_saturated@24',
    ])
    expect(edges(run, { clip: { mode: 'none', max_norm: null }, optimizer: null })).toEqual([])
  })

  it('leaves a kind alone that is turned off', () => {
    const run = made(100, () => ({ gradNorm: 2 }))
    const parsed = parseSettings({ clip_saturated: { enabled: false } }, defaultSettings)
    expect(parsed.ok && edges(run, clipAt(1), parsed.settings)).toEqual([])
  })
})

describe('few norms', () => {
  it('shows a norm a thousand times all before it as a spike, though only nine came before', () => {
    const run = made(40, (step, small) => ({ gradNorm: step === 9 ? 11_140 : 8 * small() }))
    expect(edges(run, clipAt(100))).toEqual(['+spike@9', '-spike@10'])
  })

  it('flags at its end a sparse run that declined and never came down to the cap', () => {
    const run = made(20, (step, small) => ({ gradNorm: 28 * 0.88 ** step * small() })).map((one, i) => ({
      ...one,
      step: i * 50,
    }))
    expect(judgeAll(run, clipAt(1)).finalHealth).toBe('flagged')
  })

  it('finds a norm that has all but gone in a log with five norms before the fall', () => {
    const run = made(60, (step, small) => ({ gradNorm: (step < 5 ? 1 : 1e-4) * small() }))
    expect(edges(run).filter((edge) => edge.includes('vanishing'))).toEqual(['+vanishing@24'])
  })
})

describe('a norm that is not what it seems', () => {
  it('is taken for post-clip when a third of the norms equal the cap and none is above', () => {
    const run = made(300, (step, small) => ({ gradNorm: step % 3 === 0 ? 28.0000076 : 20 * small() }))
    expect(edges(run, clipAt(28))).toEqual(['+looks_post_clip@99'])
  })

  it('is learned by heart, not broken, when the loss is near 0 with it', () => {
    const run = made(300, (step, small) => {
      const fade = Math.max(1e-4, 0.93 ** step)
      return { gradNorm: 0.5 * fade * small(), loss: 2 * fade * small() }
    })
    expect(causesOf(run, 'vanishing')).toContain('memorised')
  })

  it('is named as unscaled when it has followed the loss scale over more than the window', () => {
    const run = made(200, (step, small) => {
      const lossScale = 256 * 2 ** Math.floor(step / 40)
      return { gradNorm: 1e-3 * lossScale * small(), lossScale }
    })
    expect(causesOf(run, 'clip_saturated')[0]).toBe('not_unscaled')
  })
})

describe('the course of a run', () => {
  it('opens loss_divergence when half of what was learned is lost', () => {
    const loss = (step: number): number => (step < 200 ? 4 - step / 100 : Math.min(4, 2 + (step - 200) / 50))
    const run = made(400, (step, small) => ({ gradNorm: 0.5, loss: loss(step) * (0.9 + 0.1 * small()) }))
    const [opened] = edges(run)
    expect(opened).toMatch(/^\+loss_divergence@2[5-7]\d$/)
  })

  it('does not judge the divergence of a loss that has been below 0', () => {
    const run = made(400, (step, small) => ({ gradNorm: 0.5, loss: step === 3 ? -1 : step / 10 + small() }))
    expect(edges(run)).toEqual([])
  })

  it('opens a spike once, does not learn from it, and restarts the baseline when it lasts', () => {
    const run = made(400, (step, small) => ({
      gradNorm: 0.1 * small() * (step === 100 ? 8 : step >= 300 ? 6 : 1),
    }))
    expect(edges(run).filter((edge) => edge.includes('spike'))).toEqual([
      '+spike@100',
      '-spike@101',
      '+spike@300',
      '-spike@320',
    ])
  })

  it('makes the tenth spike in 1,000 points a warning', () => {
    const run = made(1000, (step, small) => ({ gradNorm: 0.1 * small() * (step % 50 === 49 ? 8 : 1) }))
    const severities = openedOrClosed(run, clipAt(1)).flatMap((change) =>
      change.type === 'opened' ? [change.severity] : [],
    )
    expect(severities.slice(0, 9)).toEqual(Array(9).fill('info'))
    expect(new Set(severities.slice(9))).toEqual(new Set(['warning']))
  })

  it('ignores steps that a restart from a checkpoint repeats; judged again from the start they count', () => {
    const first = made(300, (_, small) => ({ gradNorm: 0.5 * small() }))
    const second = made(300, (step, small) => ({ gradNorm: (step < 200 ? 0.5 : 2) * small() })).slice(200)
    expect(edges([...first, ...second])).toEqual([])
    expect(edges([...first.slice(0, 200), ...second])).toContain('+clip_saturated@224')
  })
})

function byStep(a: string, b: string): number {
  return Number(a.split('@')[1]) - Number(b.split('@')[1])
}
