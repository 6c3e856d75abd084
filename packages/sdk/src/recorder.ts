import { LAYER_PREFIX } from '@normwatch/protocol/columns'
import { MAX_TIME } from '@normwatch/protocol/limits'
import type { Batcher } from './batcher.ts'
import type { Batches } from './batches.ts'
import type { Caps } from './caps.ts'
import type { Column } from './chunk.ts'
import { textOf } from './error-text.ts'
import { isWireName, Names, READING_NAMES, type NameCheck } from './names.ts'
import { nearestName } from './near-names.ts'
import { isStep } from './options.ts'
import type { BatchName, Readings } from './types.ts'

export interface RecorderOptions {
  readonly batcher: Batcher
  /** Milliseconds since 1970, from a clock that never goes back. */
  readonly now: () => number
  /** The step of the first call without a `step`. */
  readonly firstStep: number
  /** Called for each refused argument with its name and the reason. `kind` groups faults whose names a loop may generate. */
  readonly refuse: (argument: string, reason: string, kind?: string) => void
  /** Called for an argument that is recorded but is probably misspelt. */
  readonly doubt: (argument: string, reason: string) => void
  /** Shared by the run and its parts. */
  readonly names?: Names
  /** Knows the batch of each step. Shared by the run and its parts. */
  readonly batches?: Batches
  /** Knows the caps. Shared by the run and its parts. */
  readonly caps?: Caps
  /** The part whose readings these are. Left out for the run itself. */
  readonly part?: string
}

const NO_CAP = 'must be a number above 0; Infinity means no cap at this step'
const NOT_A_NUMBER = 'must be a number (NaN and Infinity are numbers), null or undefined'

/** Turns calls of `log` into rows: counts steps, merges calls for the same step, and refuses invalid readings. */
export class Recorder {
  readonly #batcher: Batcher
  readonly #now: () => number
  readonly #refuse: RecorderOptions['refuse']
  readonly #doubt: RecorderOptions['doubt']
  readonly #names: Names
  readonly #batches: Batches | undefined
  readonly #caps: Caps | undefined
  readonly #part: string | undefined
  #nextStep: number

  constructor(options: RecorderOptions) {
    const { batcher, now, firstStep, refuse, doubt, names = new Names(), batches, caps, part } = options
    this.#batcher = batcher
    this.#now = now
    this.#nextStep = firstStep
    this.#refuse = refuse
    this.#doubt = doubt
    this.#names = names
    this.#batches = batches
    this.#caps = caps
    this.#part = part
  }

  /** The step of the newest row, or the first one. */
  get newestStep(): number {
    return Math.max(0, this.#nextStep - 1)
  }

  /** Records the readings of a step, and which batch it was. */
  record(readings: Readings, batch?: BatchName): void {
    const step = readings.step ?? this.#nextStep
    if (!isStep(step)) return this.#refuse('step', 'must be a whole number from 0 to 2^53 - 1')
    if (step >= this.#nextStep) this.#nextStep = step + 1
    const { time } = readings
    const now = this.#now()
    if (time === undefined || time === null || isTime(time)) {
      this.#batcher.startRow(step, time ?? toSeconds(now), now)
    } else {
      this.#batcher.startRow(step, toSeconds(now), now)
      this.#refuse('time', 'must be Unix seconds, a number from 0 to 1e11')
    }
    for (const key in readings) {
      let value
      try {
        value = readings[key]
      } catch (error) {
        this.#refuse(key, `cannot be read (${textOf(error)})`)
        continue
      }
      if (key === 'step' || key === 'time' || value === undefined || value === null) continue
      if (typeof value === 'number' && key !== 'layers') {
        const slot = this.#part === undefined ? key : `${key}/${this.#part}`
        const column = this.#batcher.open.byMetric.get(slot) ?? this.#newMetric(key, slot)
        if (column === undefined) continue
        if (column.isCap && !(value > 0)) this.#refuse(key, NO_CAP)
        else {
          this.#batcher.open.put(column, value)
          if (column.isCap) this.#caps?.look(this.#part ?? partOf(key), step, value)
        }
      } else if (key === 'layers') this.#recordLayers(value)
      else if (Object.hasOwn(readings, key)) this.#refuse(key, NOT_A_NUMBER)
    }
    if (batch !== undefined) this.#batches?.add(step, batch)
    if (this.#batches?.isUsed === true) this.#lookAtNorm(step, readings)
  }

  #lookAtNorm(step: number, readings: Readings): void {
    const norm = readings.gradNorm ?? readings['grad_norm']
    if (typeof norm === 'number') this.#batches?.look(step, norm, this.#part)
  }

  #recordLayers(layers: unknown): void {
    if (typeof layers !== 'object' || layers === null || Symbol.iterator in layers) {
      return this.#refuse('layers', 'must be an object: layer name → norm')
    }
    const norms = layers as Record<string, unknown>
    for (const layer in norms) {
      const value = norms[layer]
      if (value === undefined || value === null) continue
      if (typeof value === 'number') {
        const column = this.#batcher.open.byLayer.get(layer) ?? this.#newLayer(layer)
        if (column !== undefined) this.#batcher.open.put(column, value)
      } else if (Object.hasOwn(norms, layer)) this.#refuse(LAYER_PREFIX + layer, NOT_A_NUMBER)
    }
  }

  #newMetric(key: string, slot: string): Column | undefined {
    const meant = nearestName(key, READING_NAMES)
    if (meant !== undefined && !isWireName(key)) {
      this.#doubt(key, `is kept as a metric of that name; did you mean ${meant}?`)
    }
    if (this.#part !== undefined && !READING_NAMES.includes(key)) {
      this.#refuse(key, 'is not a reading of a part; log it with the run')
      return undefined
    }
    const column = this.#columnOf(key, this.#names.metric(key, this.#part))
    if (column !== undefined) this.#batcher.open.byMetric.set(slot, column)
    return column
  }

  #newLayer(layer: string): Column | undefined {
    const column = this.#columnOf(LAYER_PREFIX + layer, this.#names.layer(layer))
    if (column !== undefined) this.#batcher.open.byLayer.set(layer, column)
    return column
  }

  #columnOf(argument: string, check: NameCheck): Column | undefined {
    if ('name' in check) return this.#batcher.column(check.name)
    this.#refuse(argument, `is left out: ${check.fault}`, check.fault)
    return undefined
  }
}

/** The part that a name such as `max_norm/critic` is about. */
const partOf = (key: string): string | undefined => key.split('/')[1]

/** Unix seconds. NaN (no time) if the machine's clock is outside the range that the server accepts. */
function toSeconds(milliseconds: number): number {
  const seconds = milliseconds / 1000
  return isTime(seconds) ? seconds : NaN
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME
}
