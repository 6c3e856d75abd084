import { LAYER_PREFIX } from '@normwatch/protocol'
import type { LogWriter, RunWriter } from '../format.ts'
import { isLoss, isNorm, isOfOptimizer, isOfValidation } from '../runs/metric-naming.ts'
import { COUNTED_ON, EpochSteps } from '../runs/epoch-steps.ts'
import { normNameOf } from '../runs/norm-name.ts'
import { isEvaluation, ONE_RANK, OneRank, RunNames } from './entry-origin.ts'
import { isObject, jsonNumber } from './loose-json.ts'

/** Names under which the training step itself is logged, the surest first. */
const STEP_NAMES = [
  'train/global_step',
  'training/global_step',
  'trainer/global_step',
  'training/step',
  'train/step',
  'global_step',
  'step',
  'Step',
  'iteration',
  'iter',
  'num_updates',
  'train_num_updates',
  'current_steps',
  'n_iter',
  'update',
  'training_iteration',
  'time/iterations',
  'timesteps_total',
  'time/total_timesteps',
  'counters/iter',
] as const
/** Fields that replace the step in a log without one. */
const STAND_INS = ['_step', 'epoch', 'Epoch'] as const
/** Fields that say where an entry stands, and are no readings. */
const PLACES: ReadonlySet<string> = new Set([
  ...STEP_NAMES,
  '_step',
  '_timestamp',
  '_runtime',
  'timestamp',
  'time',
  'global_step/max_steps',
])

/** Names that are remembered; a hostile log has a new one on each line. */
const MAX_KINDS = 10_000

/** Names under which an entry has its time. */
const TIME_NAMES = ['_timestamp', 'timestamp', 'time', 'wall_time'] as const

interface NameKind {
  /** Its place among the names of the step, the surest first; Infinity where it is none. */
  readonly stepPlace: number
  readonly isTime: boolean
  readonly isPassed: boolean
  readonly isNorm: boolean
  readonly isOfTraining: boolean
}

/** What one entry holds. */
interface EntryParts {
  readonly readings: [string, number][]
  step: number | undefined
  isOfTraining: boolean
  hasTime: boolean
}

/** A run that entries are of, and how its entries count. */
interface Source {
  readonly run: RunWriter
  readonly epochs: EpochSteps
  readonly ranks: OneRank
  /** What the newest entry measured. */
  measured: readonly (readonly [string, number])[]
}

/** Puts a log's entries, objects of names and values, into its run. */
export class Entries {
  readonly #log: LogWriter
  readonly #names = new RunNames()
  readonly #sources = new Map<string | undefined, Source>()
  /** How many entries were left out: they have no step, or neither a norm nor a loss. */
  passed = 0
  #best = Infinity
  #standIn: (typeof STAND_INS)[number] | undefined
  #runId: string | undefined
  /** What was made out of a name when it came first; logs repeat their names on each line. */
  readonly #kinds = new Map<string, NameKind>()

  constructor(log: LogWriter, runId?: string) {
    this.#log = log
    this.#runId = runId
  }

  /** Adds an entry; one without a step, of an evaluation alone or a summary is passed over. */
  add(entry: Readonly<Record<string, unknown>>): boolean {
    this.#standIn = undefined
    const { readings, step: named, isOfTraining, hasTime } = this.#partsOf(entry)
    // The HF Trainer's summary at the end repeats the mean loss of the whole run.
    const isPassed = !isOfTraining || 'train_runtime' in entry || isEvaluation(entry)
    const logged = isPassed ? undefined : this.#stepOf(entry, named)
    if (logged === undefined) {
      this.passed++
      return false
    }
    if (this.#standIn !== undefined) {
      this.#best = STAND_INS.indexOf(this.#standIn)
      this.#log.note(
        this.#standIn === '_step'
          ? 'The run logged no training step of its own: the step that its tracker counted stands in for it.'
          : 'This log counts epochs: they stand in for steps.',
      )
    }
    const source = this.#sourceOf(entry)
    if (!source.ranks.takes(entry, logged)) {
      this.#log.note(ONE_RANK)
      return true
    }
    const step = this.#standIn === undefined ? this.#inRun(source, entry, logged, readings) : logged
    source.run.add(step, hasTime ? timeOf(entry) : NaN, readings)
    return true
  }

  finish(): void {
    if (this.passed > 0)
      this.#log.note(`${this.passed} entries without a step and a training reading were passed over.`)
  }

  #kindOf(name: string): NameKind {
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      const isOfNorm = isNorm(name)
      const role = normNameOf(name)?.role
      const place = (STEP_NAMES as readonly string[]).indexOf(name)
      kind = {
        stepPlace: place < 0 ? Infinity : place,
        isTime: (TIME_NAMES as readonly string[]).includes(name),
        isPassed: PLACES.has(name) || isOfValidation(name),
        isNorm: isOfNorm,
        isOfTraining:
          isLoss(name) ||
          isOfOptimizer(name) ||
          (role !== undefined && role !== 'cap') ||
          name.startsWith(LAYER_PREFIX) ||
          this.#isNamed(name),
      }
      if (this.#kinds.size < MAX_KINDS) this.#kinds.set(name, kind)
    }
    return kind
  }

  /** What an entry holds, in one pass. Norms in a list or an object are those of layers or streams. */
  #partsOf(entry: Readonly<Record<string, unknown>>): EntryParts {
    const parts: EntryParts = { readings: [], step: undefined, isOfTraining: false, hasTime: false }
    let place = Infinity
    let hasNanNorm = false
    for (const name in entry) {
      const kind = this.#kindOf(name)
      const value = entry[name]
      const reading = jsonNumber(value)
      if (kind.isTime) parts.hasTime = true
      if (kind.stepPlace < place && reading !== undefined) {
        place = kind.stepPlace
        parts.step = reading
      }
      if (kind.isPassed) continue
      if (reading !== undefined) {
        if (reading !== reading && name === 'grad_norm') hasNanNorm = true
        parts.readings.push([name, reading])
        parts.isOfTraining ||= kind.isOfTraining
      } else if (kind.isNorm && typeof value === 'object' && value !== null) {
        const layers = layersOf(name, value)
        parts.readings.push(...layers)
        parts.isOfTraining ||= layers.some(([layer]) => this.#kindOf(layer).isOfTraining)
      }
    }
    if (hasNanNorm && jsonNumber(entry['loss']) === 0)
      this.#log.note(
        'Losses of exactly 0 beside a NaN norm are the HF Trainer’s NaN filter: the loss was NaN.',
      )
    return parts
  }

  #sourceOf(entry: Readonly<Record<string, unknown>>): Source {
    const name = this.#runId === undefined ? this.#names.of(entry) : undefined
    let source = this.#sources.get(name)
    if (source === undefined) {
      const run = name === undefined ? this.#log.run(this.#runId) : this.#log.runNamed(name)
      source = { run, epochs: new EpochSteps(), ranks: new OneRank(), measured: [] }
      this.#sources.set(name, source)
    }
    return source
  }

  /** The step within the whole run, where the log counts within epochs. */
  #inRun(
    source: Source,
    entry: Readonly<Record<string, unknown>>,
    logged: number,
    readings: [string, number][],
  ): number {
    const before = source.measured
    source.measured = readings
    const epoch = jsonNumber(entry['epoch'] ?? entry['Epoch'])
    if (epoch === undefined || Number.isNaN(epoch)) return logged
    const { step, isCountedOn } = source.epochs.at(epoch, logged, () =>
      before.some(([name]) => isNorm(name) && readings.some(([other]) => other === name)),
    )
    if (isCountedOn) this.#log.note(COUNTED_ON)
    return step
  }

  #isNamed(name: string): boolean {
    const { norm, map } = this.#log.options
    return name === norm || Object.values(map ?? {}).includes(name)
  }

  /** `named` is what stands under the surest name of a step. */
  #stepOf(entry: Readonly<Record<string, unknown>>, named: number | undefined): number | undefined {
    const asked = this.#log.options.map?.['step']
    if (asked !== undefined) return jsonNumber(entry[asked])
    const ofMany = entry['global_step/max_steps']
    if (typeof ofMany === 'string') return jsonNumber(ofMany.split('/')[0])
    if (named !== undefined) {
      this.#best = -1
      return named
    }
    if (this.#best < 0) return undefined
    // the surest stand-in that an entry had is used throughout
    const standIn = STAND_INS.findIndex((name) => Number.isInteger(jsonNumber(entry[name])))
    if (standIn < 0 || standIn > this.#best) return undefined
    this.#standIn = STAND_INS[standIn]
    return jsonNumber(entry[STAND_INS[standIn] as string])
  }
}

/** Whether an entry has a step under one of the usual names. */
export function hasStep(entry: Readonly<Record<string, unknown>>): boolean {
  return STEP_NAMES.some((name) => jsonNumber(entry[name]) !== undefined) || 'global_step/max_steps' in entry
}

/** Norms of layers or streams: an object with one is the norm of the whole, as is that under `total` and the like. */
export function layersOf(name: string, value: object): [string, number][] {
  const each = Object.entries(value).flatMap(([key, item]): [string, number][] => {
    const reading = jsonNumber(item)
    return reading === undefined ? [] : [[key, reading]]
  })
  if (each.length === 1 && isObject(value)) return [[name, (each[0] as [string, number])[1]]]
  return each.map(([key, reading]) => {
    if (Array.isArray(value)) return [`${LAYER_PREFIX}stream ${key}`, reading]
    const named = `${name}/${key}`
    const isOfWhole = normNameOf(named)?.subject.length === 0
    return [isOfWhole ? named : `${LAYER_PREFIX}${key}`, reading]
  })
}

/** Unix seconds, where the entry has them: mmengine's `time` is the length of a step, not an instant. */
function timeOf(entry: Readonly<Record<string, unknown>>): number {
  for (const name of TIME_NAMES) {
    const value = entry[name]
    const time = jsonNumber(value) ?? (typeof value === 'string' ? Date.parse(value) / 1000 : NaN)
    if (time > 1e9 && time < 1e11) return time
    // milliseconds
    if (time > 1e12 && time < 1e14) return time / 1000
  }
  return NaN
}
