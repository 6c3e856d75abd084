import { describe, expect, it } from 'vitest'
import {
  defaultSettings,
  judge,
  newState,
  type Cause,
  type FindingKind,
  type Reading,
  type RunFacts,
} from '../src/index.ts'
import { noiseFrom } from './noise.ts'
import { clipAt, reading } from './readings.ts'

/** A made run with the causes that the first finding of `kind` names, and the readings up to it. */
interface Diagnosed {
  readonly causes: readonly Cause[]
  readonly until: readonly Reading[]
}

function diagnose(
  kind: FindingKind,
  length: number,
  parts: (step: number, small: number) => Partial<Reading>,
  facts: RunFacts = clipAt(1),
): Diagnosed {
  const noise = noiseFrom(11)
  const state = newState()
  const until: Reading[] = []
  for (let step = 0; step < length; step++) {
    const one = reading(step, parts(step, 1 + 0.05 * noise.normal()))
    until.push(one)
    for (const change of judge(state, one, facts, defaultSettings))
      if (change.type === 'opened' && change.kind === kind) return { causes: change.diagnosis, until }
  }
  throw new Error(`${kind} did not open.`)
}

function named({ causes }: Diagnosed, name: string): Cause {
  const cause = causes.find((candidate) => candidate.cause === name)
  if (cause === undefined) throw new Error(`${name} is not among ${JSON.stringify(causes)}`)
  return cause
}

/** The numbers of a sentence. */
function figures(sentence: string): number[] {
  return (sentence.match(/(?<![\w.-])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g) ?? []).map(Number)
}

/** Each number of the sentence is the one expected, to the three digits that are printed. */
function expectFigures({ because }: Cause, expected: readonly number[]): void {
  const found = figures(because)
  expect(found, because).toHaveLength(expected.length)
  found.forEach((value, i) =>
    expect(Math.abs(value - (expected[i] as number)), `${because} (${expected[i]})`).toBeLessThanOrEqual(
      0.006 * (expected[i] as number),
    ),
  )
}

const norms = (readings: readonly Reading[]): number[] => readings.map(({ gradNorm }) => gradNorm as number)
const losses = (readings: readonly Reading[]): number[] => readings.map(({ loss }) => loss as number)

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = share * (sorted.length - 1)
  const low = sorted[Math.floor(rank)] as number
  return low + (rank - Math.floor(rank)) * ((sorted[Math.ceil(rank)] as number) - low)
}
const median = (values: readonly number[]): number => quantile(values, 0.5)
/** The median of log(norm), of an even number the geometric mean of the middle two. */
const logMedian = (values: readonly number[]): number => Math.exp(median(values.map(Math.log)))

describe('diagnosis', () => {
  it('names lr_too_high when the norm follows lr and the loss rises, with the correlation and the losses', () => {
    const run = diagnose('clip_saturated', 200, (step, small) => {
      const lr = 1e-3 * (1.5 + Math.sin(step / 4))
      return { lr, gradNorm: 2000 * lr * small, loss: (1 + step / 20) * small }
    })
    const cause = named(run, 'lr_too_high')
    const window = run.until.slice(-25)
    const last = losses(window)
    expectFigures(cause, [
      25,
      spearman(
        norms(window),
        window.map(({ lr }) => lr as number),
      ),
      median(last.slice(0, 8)),
      median(last.slice(-8)),
    ])
    expect(run.causes[0]).toBe(cause)
    expect(cause.weight).toBe(0.7)
  })

  it('names lr_too_high when the norm rose after lr’s peak; SGD makes it worse, by a figure', () => {
    const plan = (step: number, small: number): Partial<Reading> => ({
      lr: 0.1,
      gradNorm: (step < 100 ? 0.5 : 4) * small,
    })
    const sgd = diagnose('clip_saturated', 200, plan, clipAt(1, 'SGD'))
    const window = norms(sgd.until.slice(-25))
    const coefficient = window.reduce((sum, norm) => sum + Math.min(1, 1 / norm), 0) / 25
    const first = logMedian(norms(sgd.until.slice(0, 10)))
    expectFigures(named(sgd, 'lr_too_high'), [
      first,
      logMedian(window.slice(-5)),
      5,
      0.1,
      100,
      coefficient,
      coefficient * 0.1,
    ])
    const adam = named(diagnose('clip_saturated', 200, plan, clipAt(1, 'AdamW')), 'lr_too_high')
    expect(adam.because).not.toContain('effective lr')
    expect(adam.weight).toBeLessThan(named(sgd, 'lr_too_high').weight)
    expect(adam.look_at).toContain('adaptive')
  })

  it('does not blame lr in a run that learns smoothly while lr, norm and loss go down together', () => {
    const run = diagnose('clip_saturated', 200, (step, small) => ({
      lr: 1e-3 * Math.exp(-step / 30),
      gradNorm: (1 + 8 * Math.exp(-step / 30)) * small,
      loss: 2 + 4 * Math.exp(-step / 30) + 0.001 * small,
    }))
    expect(run.causes.map(({ cause }) => cause)).not.toContain('lr_too_high')
  })

  it('names warmup_needed when a run starts clipped at full lr and the norm falls', () => {
    const run = diagnose('clip_saturated', 200, (step, small) => ({
      lr: 3e-4,
      gradNorm: (2 + 20 * Math.exp(-step / 6)) * small,
    }))
    expectFigures(named(run, 'warmup_needed'), [
      100,
      25,
      3e-4,
      logMedian(norms(run.until.slice(0, 10))),
      logMedian(norms(run.until.slice(-25))),
    ])
  })

  it('does not name warmup_needed when lr was warmed up', () => {
    const run = diagnose('clip_saturated', 300, (step, small) => ({
      lr: 3e-4 * Math.min(1, (step + 1) / 50),
      gradNorm: (2 + 20 * Math.exp(-step / 6)) * small,
    }))
    expect(run.causes.map(({ cause }) => cause)).not.toContain('warmup_needed')
  })

  it('names cap_below_typical_norm for a steady norm above the cap, harmless with Adam, a lower lr with SGD', () => {
    const plan = (step: number, small: number): Partial<Reading> => ({
      gradNorm: 3 * small,
      loss: 4 * Math.exp(-step / 60) + 0.001 * small,
    })
    const run = diagnose('clip_saturated', 100, plan, clipAt(1, 'AdamW'))
    const window = norms(run.until.slice(-25))
    const last = losses(run.until).slice(-25)
    const cause = named(run, 'cap_below_typical_norm')
    expectFigures(cause, [
      logMedian(window.slice(0, 12)),
      logMedian(window.slice(-12)),
      25,
      10,
      quantile(window, 0.1),
      1,
      median(last.slice(0, 8)),
      median(last.slice(-8)),
    ])
    expect(cause.because).toContain('With AdamW a constant scale of the gradient nearly cancels')
    const sgd = named(diagnose('clip_saturated', 100, plan, clipAt(1, 'sgd')), 'cap_below_typical_norm')
    const coefficient = window.reduce((sum, norm) => sum + 1 / norm, 0) / 25
    expect(figures(sgd.because).at(-1)).toBeCloseTo(coefficient, 2)
    expect(sgd.because).toContain('the effective learning rate is that much lower than lr')
  })

  it('names not_unscaled when the norm is that of scaled gradients', () => {
    const run = diagnose('clip_saturated', 100, (_, small) => ({
      gradNorm: 0.5 * small * 4096,
      lossScale: 4096,
    }))
    const now = logMedian(norms(run.until.slice(-5)))
    expectFigures(named(run, 'not_unscaled'), [5, now, now, 1, 4096, now / 4096])
  })

  it('names not_unscaled, lightly, when the norm leaps by a power of two and no scale is logged', () => {
    const run = diagnose('clip_regime_change', 200, (step, small) => ({
      gradNorm: 0.5 * (1 + (small - 1) / 20) * (step < 100 ? 1 : 1024),
    }))
    const cause = named(run, 'not_unscaled')
    expect(cause.because).toContain('close to 2^10')
    expect(cause.weight).toBe(0.4)
  })

  it('names amp_overflow with the streak, the skips and the scale', () => {
    const run = diagnose('nonfinite', 100, (step, small) => ({
      gradNorm: step < 50 ? small : NaN,
      skipped: step < 50 ? 0 : 1,
      lossScale: step < 50 ? 65_536 : 65_536 / 2 ** (step - 49),
    }))
    expectFigures(named(run, 'amp_overflow'), [3, 3, 3, 65_536, 8192])
  })

  it('names amp_underflow with the zeros, the loss, the shares and the scale', () => {
    const run = diagnose('vanishing', 200, (step) => ({
      gradNorm: step < 50 ? 0.5 : 0,
      loss: 2.5,
      zeroFraction: step < 50 ? 0.02 : 0.9,
      lossScale: step < 50 ? 65_536 : 1024,
    }))
    expectFigures(named(run, 'amp_underflow'), [20, 25, 0, 2.5, 2, 90, 65_536, 1024])
  })

  it('names outlier_batches with their steps', () => {
    const run = diagnose('spike', 200, (step, small) => ({ gradNorm: (step === 150 ? 5 : 0.5) * small }))
    const cause = named(run, 'outlier_batches')
    expect(figures(cause.because).slice(0, 2)).toEqual([150, 128])
    expect(cause.look_at).toContain('step 150')
  })

  it('names norm_growth when the norm grows for long while the loss stands still', () => {
    const run = diagnose('clip_saturated', 3000, (step, small) => ({
      gradNorm: 0.3 * 2 ** (step / 500) * small,
      loss: 2 * small,
    }))
    const cause = named(run, 'norm_growth')
    const [from, to, points, correlation, lossFrom, lossTo] = figures(cause.because) as number[]
    const growth = 2 ** ((0.8 * (points as number)) / 500)
    expect((to as number) / (from as number) / growth).toBeCloseTo(1, 1)
    expect(correlation).toBeGreaterThan(0.95)
    expect([lossFrom, lossTo].every((loss) => Math.abs((loss as number) - 2) < 0.05)).toBe(true)
  })

  it('names the layer that carries most of the squared norm', () => {
    const run = diagnose('clip_saturated', 100, () => ({
      gradNorm: 2,
      layers: { 'decoder.7': 1.9, head: 0.6 },
    }))
    const cause = named(run, 'one_layer')
    expect(cause.because).toContain('decoder.7')
    expect(figures(cause.because).slice(-2)).toEqual([Number(((100 * 3.61) / 3.97).toPrecision(3)), 25])
  })

  it('is empty where the record shows no cause', () => {
    const run = diagnose('clip_saturated', 100, (step, small) => ({
      gradNorm: (3 - 1.6 * (step % 2)) * small * (1 + step / 20),
    }))
    expect(run.causes).toEqual([])
  })

  it('never advises a larger cap, gives weights in [0, 1] and the weightiest first', () => {
    const runs = [0, 1, 2, 3].map((variant) =>
      diagnose('clip_saturated', 300, (step, small) => ({
        lr: variant === 0 ? undefined : 1e-3 * (1 + Math.sin(step / (3 + variant))),
        gradNorm: 3 * (variant === 1 ? 1 + Math.sin(step / 4) : 1) * small + 0.9,
        loss: variant === 2 ? 1 + step / 10 : 2 * small,
        lossScale: variant === 3 ? 2 : undefined,
        layers: { a: 3, b: 0.1 },
      })),
    )
    for (const { causes } of runs) {
      expect(causes.length).toBeGreaterThan(0)
      expect(causes.map(({ weight }) => weight)).toEqual(
        causes.map(({ weight }) => weight).toSorted((a, b) => b - a),
      )
      for (const { weight, because, look_at: lookAt } of causes) {
        expect(weight).toBeGreaterThan(0)
        expect(weight).toBeLessThanOrEqual(1)
        expect(`${because} ${lookAt}`).not.toMatch(/raise|larger cap|increase (the )?(cap|max_norm)/i)
      }
    }
  })
})

/** Spearman's rank correlation of values without ties. */
function spearman(xs: readonly number[], ys: readonly number[]): number {
  const ranks = (values: readonly number[]): number[] =>
    values.map((value) => values.filter((other) => other < value).length)
  const a = ranks(xs)
  const b = ranks(ys)
  const n = xs.length
  const squares = a.reduce((sum, rank, i) => sum + (rank - (b[i] as number)) ** 2, 0)
  return 1 - (6 * squares) / (n * (n * n - 1))
}
