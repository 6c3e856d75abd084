import {
  LAYER_PREFIX,
  MAX_LAYERS_PER_RUN,
  MAX_METRICS_PER_RUN,
  metricOf,
  type MetricColumn,
  type PointColumns,
} from '@normwatch/protocol'
import type { Stream } from '../leaf/stream.ts'
import type { Rows } from '../leaf/rows.ts'
import { TooManyMetrics } from '../store.ts'

/** The metrics of one run and their numbers, which begin at 0 and have no gaps. */
export class MetricNames {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []
  #layers = 0

  constructor(names: readonly string[]) {
    for (const name of names) this.add(name)
  }

  get size(): number {
    return this.#names.length
  }

  get all(): readonly string[] {
    return this.#names
  }

  number(name: string): number | undefined {
    return this.#numbers.get(name)
  }

  name(number: number): string {
    return this.#names[number] as string
  }

  /** The numbers of what a stream consists of: that of a part, or of the run itself (`null`). */
  stream(part: string | null): Omit<Stream, 'rule'> {
    const number = (metric: string) => this.number(metricOf(metric, part))
    return {
      part,
      gradNorm: number('grad_norm'),
      loss: number('loss'),
      maxNorm: number('max_norm'),
      clipFraction: number('clip_fraction'),
    }
  }

  /** The names that the run does not have yet. Throws `TooManyMetrics` when they would take it over a bound. */
  missing(names: Iterable<string>): string[] {
    const missing = [...names].filter((name) => !this.#numbers.has(name))
    if (missing.length === 0) return missing
    const layers = this.#layers + missing.filter(isLayer).length
    const metrics = this.size + missing.length - layers
    if (layers > MAX_LAYERS_PER_RUN) {
      throw new TooManyMetrics(
        `A run has at most ${MAX_LAYERS_PER_RUN} layers; this batch makes it ${layers}.`,
      )
    }
    if (metrics > MAX_METRICS_PER_RUN) {
      throw new TooManyMetrics(
        `A run has at most ${MAX_METRICS_PER_RUN} metrics; this batch makes it ${metrics}.`,
      )
    }
    return missing
  }

  add(name: string): number {
    const number = this.#names.length
    this.#numbers.set(name, number)
    this.#names.push(name)
    if (isLayer(name)) this.#layers++
    return number
  }

  /** The columns, not copied, under their names; a column without a reading is left out. */
  named(rows: Rows): PointColumns {
    return named(rows, (metric) => this.name(metric))
  }

  /** The columns of a batch by number; every name is known. */
  numbered({ step, time, metrics }: PointColumns): Rows {
    const columns = new Map(
      Array.from(metrics, ([name, column]) => [this.#numbers.get(name) as number, column] as const),
    )
    return { count: step.length, step, time, columns }
  }
}

function named({ count, step, time, columns }: Rows, name: (metric: number) => string): PointColumns {
  const metrics = new Map<string, MetricColumn>()
  for (const [metric, { values, present }] of columns) {
    const here = present?.subarray(0, count) ?? null
    if (here !== null && !here.includes(1)) continue
    metrics.set(name(metric), {
      values: values.subarray(0, count),
      present: here?.includes(0) === true ? here : null,
    })
  }
  return { step: step.subarray(0, count), time: time.subarray(0, count), metrics }
}

export const isLayer = (name: string): boolean => name.startsWith(LAYER_PREFIX)

/** The rows of metrics' names. */
export interface MetricRows {
  /** By number, which begins at 0. */
  names(run: number): readonly string[]
  insert(run: number, number: number, name: string): void
}

/** The table of metrics' names. */
export function openMetricNames(rows: MetricRows) {
  return {
    of: (run: number): MetricNames => new MetricNames(rows.names(run)),
    add(run: number, names: MetricNames, missing: readonly string[]): void {
      for (const name of missing) rows.insert(run, names.add(name), name)
    },
  }
}
export type MetricTable = ReturnType<typeof openMetricNames>
