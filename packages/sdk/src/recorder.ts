import { LAYER_PREFIX } from '@normwatch/protocol/columns'
import { MAX_STEP, MAX_TIME } from '@normwatch/protocol/limits'
import type { Batcher } from './batcher.ts'
import type { Column } from './chunk.ts'
import { Names, type NameCheck } from './names.ts'
import type { Readings } from './types.ts'

export interface RecorderOptions {
  readonly batcher: Batcher
  /** Milliseconds since 1970, of a clock that does not go back. */
  readonly now: () => number
  /** The step of the first call that names none. */
  readonly firstStep: number
  /** Called for each refused argument, with its name and the reason. */
  readonly refuse: (argument: string, reason: string) => void
}

const NOT_A_NUMBER = 'must be a number (NaN and Infinity are numbers), null or undefined'

/** Turns calls of `log` into rows: counts steps, joins calls for one step, and keeps wrong readings out. */
export class Recorder {
  readonly #batcher: Batcher
  readonly #now: () => number
  readonly #refuse: RecorderOptions['refuse']
  readonly #names = new Names()
  #nextStep: number

  constructor({ batcher, now, firstStep, refuse }: RecorderOptions) {
    this.#batcher = batcher
    this.#now = now
    this.#nextStep = firstStep
    this.#refuse = refuse
  }

  record(readings: Readings): void {
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
      const value = readings[key]
      if (key === 'step' || key === 'time' || value === undefined || value === null) continue
      if (typeof value === 'number' && key !== 'layers') {
        const column = this.#batcher.open.byMetric.get(key) ?? this.#newMetric(key)
        if (column !== undefined) this.#batcher.open.put(column, value)
      } else if (key === 'layers') this.#recordLayers(value)
      else this.#refuse(key, NOT_A_NUMBER)
    }
  }

  #recordLayers(layers: unknown): void {
    if (typeof layers !== 'object' || layers === null || Array.isArray(layers)) {
      return this.#refuse('layers', 'must be an object: layer name → norm')
    }
    const norms = layers as Record<string, unknown>
    for (const layer in norms) {
      const value = norms[layer]
      if (value === undefined || value === null) continue
      if (typeof value === 'number') {
        const column = this.#batcher.open.byLayer.get(layer) ?? this.#newLayer(layer)
        if (column !== undefined) this.#batcher.open.put(column, value)
      } else this.#refuse(LAYER_PREFIX + layer, NOT_A_NUMBER)
    }
  }

  #newMetric(key: string): Column | undefined {
    const column = this.#columnOf(key, this.#names.metric(key))
    if (column !== undefined) this.#batcher.open.byMetric.set(key, column)
    return column
  }

  #newLayer(layer: string): Column | undefined {
    const column = this.#columnOf(LAYER_PREFIX + layer, this.#names.layer(layer))
    if (column !== undefined) this.#batcher.open.byLayer.set(layer, column)
    return column
  }

  #columnOf(argument: string, check: NameCheck): Column | undefined {
    if ('name' in check) return this.#batcher.column(check.name)
    this.#refuse(argument, check.fault)
    return undefined
  }
}

/** Unix seconds; NaN (no time) while the machine's clock is outside what the server takes. */
function toSeconds(milliseconds: number): number {
  const seconds = milliseconds / 1000
  return isTime(seconds) ? seconds : NaN
}

function isStep(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_STEP
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME
}
