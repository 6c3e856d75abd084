import { LAYER_PREFIX } from '@normwatch/protocol'
import type { LogWriter, RunWriter } from '../format.ts'
import { isLoss, isNorm, isOfValidation } from '../runs/metric-naming.ts'
import { isObject, jsonNumber } from './loose-json.ts'

/** Names under which the training step itself is logged, the surest first. */
const STEP_NAMES = [
  'train/global_step',
  'training/global_step',
  'trainer/global_step',
  'training/step',
  'train/step',
  'step',
  'Step',
  'global_step',
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

interface NameKind {
  readonly isPassed: boolean
  readonly isNorm: boolean
  readonly isOfTraining: boolean
}

/** Puts a log's entries, objects of names and values, into its run. */
export class Entries {
  readonly #log: LogWriter
  #run: RunWriter | undefined
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
    // The HF Trainer's summary at the end repeats the mean loss of the whole run.
    const step = 'train_runtime' in entry ? undefined : this.#stepOf(entry)
    const readings = step === undefined ? [] : this.#readingsOf(entry)
    if (step === undefined || !readings.some(([name]) => this.#kindOf(name).isOfTraining)) {
      this.passed++
      return false
    }
    if (this.#standIn !== undefined) {
      this.#best = STAND_INS.indexOf(this.#standIn)
      this.#log.note(
        this.#standIn === '_step'
          ? 'The run logged no training step of its own: W&B’s row number stands in for it.'
          : 'This log counts epochs: they stand in for steps.',
      )
    }
    this.#run ??= this.#log.run(this.#runId)
    this.#run.add(step, timeOf(entry), readings)
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
      kind = {
        isPassed: PLACES.has(name) || isOfValidation(name),
        isNorm: isOfNorm,
        isOfTraining: isLoss(name) || isOfNorm || name.startsWith(LAYER_PREFIX) || this.#isNamed(name),
      }
      if (this.#kinds.size < MAX_KINDS) this.#kinds.set(name, kind)
    }
    return kind
  }

  /** The numbers of an entry. Norms in a list or an object are those of layers or streams. */
  #readingsOf(entry: Readonly<Record<string, unknown>>): [string, number][] {
    const readings: [string, number][] = []
    for (const name in entry) {
      const kind = this.#kindOf(name)
      if (kind.isPassed) continue
      const value = entry[name]
      const reading = jsonNumber(value)
      if (reading !== undefined) readings.push([name, reading])
      else if (kind.isNorm && typeof value === 'object' && value !== null)
        readings.push(...layersOf(name, value))
    }
    if (jsonNumber(entry['loss']) === 0 && Number.isNaN(jsonNumber(entry['grad_norm'])))
      this.#log.note(
        'Losses of exactly 0 beside a NaN norm are the HF Trainer’s NaN filter: the loss was NaN.',
      )
    return readings
  }

  #isNamed(name: string): boolean {
    const { norm, map } = this.#log.options
    return name === norm || Object.values(map ?? {}).includes(name)
  }

  #stepOf(entry: Readonly<Record<string, unknown>>): number | undefined {
    const asked = this.#log.options.map?.['step']
    if (asked !== undefined) return jsonNumber(entry[asked])
    const ofMany = entry['global_step/max_steps']
    if (typeof ofMany === 'string') return jsonNumber(ofMany.split('/')[0])
    const place = STEP_NAMES.findIndex((name) => jsonNumber(entry[name]) !== undefined)
    if (place >= 0) {
      this.#best = -1
      return jsonNumber(entry[STEP_NAMES[place] as string])
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

/** Norms of layers or streams: an object with one is the norm of the whole. */
export function layersOf(name: string, value: object): [string, number][] {
  const each = Object.entries(value).flatMap(([key, item]): [string, number][] => {
    const reading = jsonNumber(item)
    return reading === undefined ? [] : [[key, reading]]
  })
  if (each.length === 1 && isObject(value)) return [[name, (each[0] as [string, number])[1]]]
  return each.map(([key, reading]) => [
    `${LAYER_PREFIX}${Array.isArray(value) ? `stream ${key}` : key}`,
    reading,
  ])
}

/** Unix seconds, where the entry has them: mmengine's `time` is the length of a step, not an instant. */
function timeOf(entry: Readonly<Record<string, unknown>>): number {
  for (const name of ['_timestamp', 'timestamp', 'time', 'wall_time']) {
    const value = entry[name]
    const time = jsonNumber(value) ?? (typeof value === 'string' ? Date.parse(value) / 1000 : NaN)
    if (time > 1e9 && time < 1e11) return time
    // milliseconds
    if (time > 1e12 && time < 1e14) return time / 1000
  }
  return NaN
}
