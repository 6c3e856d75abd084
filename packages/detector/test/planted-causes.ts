import type { Cause, Column, FindingKind, Reading, RunFacts, Severity } from '../src/index.ts'
import {
  defaultSettings,
  emptyReading,
  explainedDiagnosis,
  findMoved,
  judge,
  newState,
  readingsAtLr,
} from '../src/index.ts'
import { innocents } from './innocent-metrics.ts'
import { noiseFrom, type Noise } from './noise.ts'
import { clipAt } from './readings.ts'

/** When it began in each made run, and how long they are. */
const FROM = 150
const LENGTH = 400

interface Note {
  readonly step: number
  readonly label: string
  readonly text: null
}

interface MadeStep {
  readonly reading: Partial<Reading>
  /** Other metrics of the step. */
  readonly others?: Readonly<Record<string, number>>
}

interface Scenario {
  /** The cause; `null`: nothing that is logged tells it. */
  readonly planted: string | null
  /** In steps, where it takes more than usual. */
  readonly length?: number
  readonly facts?: RunFacts
  readonly events?: readonly Note[]
  /** What is changed of a healthy run: its norm is about 0.3 and its cap 1, lr decays by a cosine, the loss falls. */
  readonly step: (i: number, noise: Noise, healthy: Healthy) => MadeStep
}

interface Healthy {
  readonly gradNorm: number
  readonly loss: number
  readonly lr: number
}

/** A finding and its explained diagnosis. */
export interface Diagnosed {
  readonly kind: FindingKind
  readonly severity: Severity
  readonly causes: readonly Cause[]
}

const note = (step: number, label: string): Note => ({ step, label, text: null })
const after = (i: number): boolean => i >= FROM

/** Made runs, each with one cause planted at step 150, or none. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  'lr follows': {
    planted: 'lr_too_high',
    step: (i, _, { gradNorm, loss }) => {
      const lr = after(i) ? 1e-3 * (2 + Math.sin(i / 5)) : 1e-3
      const rise = after(i) ? (6 * lr) / 1e-3 : 1
      return {
        reading: { lr, gradNorm: gradNorm * rise, loss: after(i) ? loss * (1 + (i - FROM) / 80) : loss },
      }
    },
  },
  'lr set ten times higher': {
    planted: 'lr_too_high',
    step: (i, _, { gradNorm, loss, lr }) =>
      after(i)
        ? { reading: { lr: 10 * lr, gradNorm: 10 * gradNorm, loss: 1.3 * loss } }
        : { reading: { lr, gradNorm, loss } },
  },
  'not unscaled': {
    planted: 'not_unscaled',
    step: (i, _, { gradNorm, loss, lr }) => {
      const lossScale = 4096 * 2 ** Math.floor(i / 100)
      return { reading: { lr, loss, lossScale, gradNorm: after(i) ? gradNorm * lossScale : gradNorm } }
    },
  },
  overflow: {
    planted: 'amp_overflow',
    step: (i, _, { gradNorm, loss, lr }) => {
      const isOver = i >= FROM && i < FROM + 8
      const lossScale = 65536 / (isOver ? 2 ** (i - FROM) : i >= FROM ? 256 : 1)
      return {
        reading: { lr, loss, lossScale, skipped: isOver ? 1 : 0, gradNorm: isOver ? Infinity : gradNorm },
      }
    },
  },
  underflow: {
    planted: 'amp_underflow',
    step: (i, noise, { gradNorm, loss, lr }) => ({
      reading: {
        lr,
        loss,
        lossScale: after(i) ? 1 : 1024,
        zeroFraction: after(i) ? 0.9 : 0.02 + 0.01 * noise.uniform(),
        gradNorm: after(i) ? 0 : gradNorm,
      },
    }),
  },
  memorised: {
    planted: 'memorised',
    step: (i, noise) => ({
      reading: {
        loss: 4 * Math.exp(-i / 30) * (1 + 0.05 * noise.normal()),
        gradNorm: Math.exp(-i / 30) * (1 + 0.1 * noise.normal()),
      },
    }),
  },
  'cap too low': {
    planted: 'cap_below_typical_norm',
    facts: clipAt(0.1, 'adamw'),
    step: (_, __, { gradNorm, loss, lr }) => ({ reading: { gradNorm, loss, lr } }),
  },
  'one layer': {
    planted: 'one_layer',
    step: (i, _, { gradNorm, loss, lr }) => {
      const head = after(i) ? 12 * gradNorm : 0.5 * gradNorm
      const body = 0.8 * gradNorm
      return {
        reading: {
          lr,
          loss,
          gradNorm: Math.hypot(head, body),
          layers: { head, body, embed: 0.2 * gradNorm },
        },
      }
    },
  },
  growth: {
    planted: 'norm_growth',
    length: 900,
    step: (i, noise, { lr }) => ({
      reading: {
        lr,
        loss: 2 * (1 + 0.02 * noise.normal()),
        gradNorm: 0.1 * Math.exp(i / 300) * (1 + 0.05 * noise.normal()),
      },
    }),
  },
  'outlier batches': {
    planted: 'outlier_batches',
    step: (i, _, { gradNorm, loss, lr }) => ({
      reading: { lr, loss, gradNorm: i === FROM || i === FROM + 60 ? 80 * gradNorm : gradNorm },
    }),
  },
  'no warm-up': {
    planted: 'warmup_needed',
    step: (i, _, { gradNorm, loss, lr }) => ({
      reading: { lr, loss, gradNorm: gradNorm * (4 + 30 * Math.exp(-i / 20)) },
    }),
  },
  'resumed with a wrong state': {
    planted: 'noted_event',
    events: [note(FROM - 1, 'resumed')],
    step: (i, _, { gradNorm, loss, lr }) => ({
      reading: { lr, loss, gradNorm: after(i) ? 9 * gradNorm : gradNorm },
    }),
  },
  'shorter responses': {
    planted: 'inputs_changed',
    step: (i, noise, { gradNorm, loss, lr }) => ({
      reading: { lr, loss, gradNorm: after(i) ? 9 * gradNorm : gradNorm },
      others: { 'response_length/mean': (i >= FROM - 2 ? 20 : 800) * Math.exp(0.1 * noise.normal()) },
    }),
  },
  'shorter responses at one lr': {
    planted: 'inputs_changed',
    step: (i, noise, { gradNorm, loss }) => ({
      reading: { lr: 1e-3, loss: after(i) ? 1.5 * loss : loss, gradNorm: after(i) ? 9 * gradNorm : gradNorm },
      others: { 'response_length/mean': (i >= FROM - 2 ? 20 : 800) * Math.exp(0.1 * noise.normal()) },
    }),
  },
  'reward fell first, at one lr': {
    planted: null,
    step: (i, noise, { gradNorm, loss }) => ({
      reading: { lr: 1e-3, loss: after(i) ? 1.5 * loss : loss, gradNorm: after(i) ? 9 * gradNorm : gradNorm },
      others: { reward: (i >= FROM - 3 ? 0.1 : 0.7) + 0.02 * noise.normal() },
    }),
  },
  'too high from the start': {
    planted: 'lr_too_high',
    step: (i, noise) => ({
      reading: {
        lr: 1e-2,
        loss: 2 * Math.exp(i / 300) * (1 + 0.03 * noise.normal()),
        gradNorm: 0.1 * Math.exp(i / 60) * (1 + 0.05 * noise.normal()),
      },
    }),
  },
  'too high at the end of warm-up': {
    planted: 'lr_too_high',
    step: (i, _, { gradNorm, loss }) => ({
      reading: {
        lr: 1e-3 * Math.min(1, (i + 1) / (FROM - 10)),
        loss: after(i) ? loss * (1 + (i - FROM) / 80) : loss,
        gradNorm: after(i) ? 9 * gradNorm : gradNorm,
      },
    }),
  },
  'no cause logged, at one lr': {
    planted: null,
    step: (i, _, { gradNorm, loss }) => ({
      reading: { lr: 1e-3, loss: after(i) ? 1.5 * loss : loss, gradNorm: after(i) ? 9 * gradNorm : gradNorm },
    }),
  },
  'no cause logged': {
    planted: null,
    step: (i, _, { gradNorm, loss, lr }) => ({
      reading: { lr, loss, gradNorm: after(i) ? 9 * gradNorm : gradNorm },
    }),
  },
}

/** What each finding of a made run with this scenario is said to come from, once it is explained. */
export function diagnosesOf(scenario: Scenario, seed: number): Diagnosed[] {
  const found: Diagnosed[] = []
  const { length = LENGTH } = scenario
  const noise = noiseFrom(seed)
  const facts = scenario.facts ?? clipAt(1, seed % 2 === 0 ? 'adamw' : 'sgd')
  const routine = Array.from({ length: length / 50 }, (_, i) =>
    note(50 * i, i % 2 === 0 ? 'checkpoint' : 'eval'),
  )
  const events = [...routine, ...(scenario.events ?? [])]
  const state = newState()
  const values = new Map<string, number[]>()
  for (let i = 0; i < length; i++) {
    const healthy = {
      gradNorm: 0.3 * Math.exp(0.2 * noise.normal()),
      loss: (2 + 2 * Math.exp(-i / 60)) * (1 + 0.03 * noise.normal()),
      lr: 5e-4 * (1 + Math.cos((Math.PI * i) / length)),
    }
    const { reading, others = {} } = scenario.step(i, noise, healthy)
    const logged = { lr: reading.lr, loss: reading.loss, loss_scale: reading.lossScale, ...others }
    for (const [metric, value] of Object.entries(logged)) {
      if (value === undefined) continue
      values.set(metric, [...(values.get(metric) ?? []), value])
    }
    const whole = { ...emptyReading(), ...reading, step: i, time: i }
    for (const change of judge(state, whole, facts, defaultSettings)) {
      if (change.type !== 'opened') continue
      const causes = explained(change, values, innocents(noise, 20, i + 1), events)
      found.push({ kind: change.kind, severity: change.severity, causes })
    }
  }
  return found
}

function explained(
  {
    kind,
    diagnosis,
    onset,
    step,
  }: { kind: FindingKind; diagnosis: readonly Cause[]; onset: number | null; step: number | null },
  logged: ReadonlyMap<string, readonly number[]>,
  others: ReadonlyMap<string, Column>,
  notes: readonly Note[],
): readonly Cause[] {
  const around = onset ?? step ?? 0
  const metrics = new Map(others)
  for (const [metric, values] of logged)
    metrics.set(metric, { values: Float64Array.from(values), present: null })
  const length = Math.max(...[...metrics.values()].map(({ values }) => values.length))
  const steps = Float64Array.from({ length }, (_, i) => i)
  const events = notes.filter((event) => event.step <= around && event.step >= around - 5)
  const record = { step: steps, metrics }
  return explainedDiagnosis(kind, diagnosis, {
    onset: around,
    moved: findMoved(record, around),
    layers: [],
    events,
    readingsAtLr: readingsAtLr(record, around),
  })
}
