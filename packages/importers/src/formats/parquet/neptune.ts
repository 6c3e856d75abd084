import { capInConfig } from '../../caps/cap-in-config.ts'
import type { LogWriter } from '../../format.ts'
import { plain } from './parquet-columns.ts'

const COLUMNS = ['run_id', 'attribute_path', 'attribute_type', 'step', 'float_value', 'int_value'] as const
const SERIES: ReadonlySet<unknown> = new Set(['float_series', 'int_series'])
const SETTINGS: ReadonlySet<unknown> = new Set(['float', 'int', 'string', 'bool'])
const MAX_SETTINGS = 10_000

type Columns = ReadonlyMap<string, ArrayLike<unknown>>

/** Whether a table is what neptune-exporter writes: a row an attribute or a reading. */
export function isOfNeptune(columns: Columns): boolean {
  return COLUMNS.every((name) => columns.has(name))
}

/** Puts the rows of neptune-exporter into their runs. Steps there are decimals; readings between whole steps are left out. */
export class NeptuneRows {
  readonly #log: LogWriter
  readonly #settings = new Map<string, Record<string, unknown>>()
  #betweenSteps = 0

  constructor(log: LogWriter) {
    this.#log = log
  }

  add(columns: Columns, rows: number): void {
    for (let row = 0; row < rows; row++) {
      const cell = (name: string): unknown => plain(columns.get(name)?.[row])
      const path = cell('attribute_path')
      if (typeof path !== 'string') continue
      const id = `${String(cell('project_id') ?? '')}/${String(cell('run_id'))}`
      const type = cell('attribute_type')
      const value = cell('float_value') ?? cell('int_value') ?? cell('string_value') ?? cell('bool_value')
      if (SERIES.has(type) && typeof value === 'number') {
        const time = cell('timestamp')
        this.#reading(id, Number(cell('step')), typeof time === 'number' ? time : NaN, path, value)
      } else if (SETTINGS.has(type)) this.#setting(id, path, value)
    }
  }

  finish(): void {
    for (const [id, settings] of this.#settings) {
      const run = this.#log.run(id)
      run.config(settings)
      const cap = capInConfig(shortened(settings))
      if (cap !== undefined) run.cap(cap.clip, `${cap.key} in the run’s parameters`)
    }
    if (this.#betweenSteps > 0)
      this.#log.note(`${this.#betweenSteps} readings lie between whole steps and were left out.`)
  }

  #reading(id: string, step: number, time: number, path: string, value: number): void {
    const whole = Math.round(step)
    // a decimal that was made a binary fraction is off by little
    if (Math.abs(step - whole) < 1e-5) this.#log.run(id).put(whole, time, path, value)
    else this.#betweenSteps++
  }

  #setting(id: string, path: string, value: unknown): void {
    if (path === 'sys/name' && typeof value === 'string') this.#log.run(id).named(value.slice(0, 256))
    if (path.startsWith('sys/') || path === '__proto__') return
    const settings = this.#settings.get(id) ?? {}
    this.#settings.set(id, settings)
    if (Object.keys(settings).length < MAX_SETTINGS) settings[path] = value
  }
}

/** Settings under the last part of their path: a cap is `parameters/max_grad_norm`. */
function shortened(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([path, value]) => [path.split('/').at(-1) ?? path, value]),
  )
}
