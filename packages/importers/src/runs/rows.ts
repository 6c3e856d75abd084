import type { MetricColumn, PointColumns } from '@normwatch/protocol'
import { GrowingArray } from './growing-array.ts'

/** The readings of one metric, and the rows that they are of. */
interface Column {
  readonly rows: GrowingArray
  readonly values: GrowingArray
}

/** Rows of a run in the order in which the log has them. */
export class Rows {
  readonly step = new GrowingArray()
  readonly time = new GrowingArray()
  readonly metrics = new Map<string, Column>()
  readings = 0

  put(name: string, value: number): void {
    let metric = this.metrics.get(name)
    if (metric === undefined) {
      metric = { rows: new GrowingArray(), values: new GrowingArray() }
      this.metrics.set(name, metric)
    }
    metric.rows.push(this.step.length - 1)
    metric.values.push(value)
    this.readings++
  }

  /** The newest reading of a metric. */
  newest(name: string): number | undefined {
    return this.metrics.get(name)?.values.view().at(-1)
  }

  /** Whether two metrics have readings in one row. */
  share(a: string, b: string): boolean {
    const [first, second] = [this.metrics.get(a)?.rows.view() ?? [], this.metrics.get(b)?.rows.view() ?? []]
    for (let i = 0, j = 0; i < first.length && j < second.length;) {
      const difference = (first[i] as number) - (second[j] as number)
      if (difference === 0) return true
      if (difference < 0) i++
      else j++
    }
    return false
  }

  clear(): void {
    this.step.clear()
    this.time.clear()
    for (const { rows, values } of this.metrics.values()) {
      rows.clear()
      values.clear()
    }
    this.readings = 0
  }
}

/** A place where a training went on from an earlier step: what came before this row, from this step on, was lost with it. */
export interface Seam {
  readonly row: number
  readonly step: number
}

export const NO_POINTS: PointColumns = {
  step: new Float64Array(),
  time: new Float64Array(),
  metrics: new Map(),
}

/**
 * The rows that the training kept, ascending by step; of a step that stands twice the later readings win. `firstRow` is
 * the number of the first row within the whole run, as seams count. `nameOf` gives a metric's final name.
 */
export function toColumns(
  rows: Rows,
  firstRow: number,
  seams: readonly Seam[],
  nameOf: (name: string) => string,
): PointColumns {
  const steps = rows.step.view()
  const times = rows.time.view()
  const order = keptRows(steps, firstRow, seams)
  const place = new Int32Array(steps.length).fill(-1)
  const step = new Float64Array(order.length)
  const time = new Float64Array(order.length)
  let length = 0
  for (const row of order) {
    const at = steps[row] as number
    if (length === 0 || step[length - 1] !== at) {
      step[length] = at
      time[length] = times[row] as number
      length++
    }
    place[row] = length - 1
  }
  const metrics = new Map<string, MetricColumn>()
  for (const [name, column] of rows.metrics) {
    const final = nameOf(name)
    const filled = fill(column, place, length, metrics.get(final))
    if (filled !== undefined) metrics.set(final, filled)
  }
  for (const [name, { values, present }] of metrics)
    if (present !== null && !present.includes(0)) metrics.set(name, { values, present: null })
  return { step: step.slice(0, length), time: time.slice(0, length), metrics }
}

/** The indices of the rows that no later seam drops, in order of their steps. */
function keptRows(steps: Float64Array, firstRow: number, seams: readonly Seam[]): Int32Array {
  const kept = new Int32Array(steps.length)
  let begin = steps.length
  let seam = seams.length - 1
  let dropsFrom = Infinity
  let before = Infinity
  let ascends = true
  for (let row = steps.length - 1; row >= 0; row--) {
    for (; seam >= 0 && (seams[seam] as Seam).row > row + firstRow; seam--)
      dropsFrom = Math.min(dropsFrom, (seams[seam] as Seam).step)
    const step = steps[row] as number
    if (step >= dropsFrom) continue
    if (step > before) ascends = false
    before = step
    kept[--begin] = row
  }
  const order = kept.subarray(begin)
  // of two rows of one step the later stays later
  return ascends ? order : order.sort((a, b) => (steps[a] as number) - (steps[b] as number) || a - b)
}

function fill(
  column: Column,
  place: Int32Array,
  length: number,
  before: MetricColumn | undefined,
): MetricColumn | undefined {
  const rows = column.rows.view()
  if (rows.length === 0) return undefined
  const readings = column.values.view()
  const values = before?.values ?? new Float64Array(length)
  const present = before?.present ?? new Uint8Array(length)
  let isEmpty = before === undefined
  // within a step the later row wins, whatever the order in which the rows come
  const newest = new Int32Array(length).fill(-1)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number
    const at = place[row] as number
    if (at < 0 || (newest[at] as number) > row) continue
    newest[at] = row
    values[at] = readings[i] as number
    present[at] = 1
    isEmpty = false
  }
  return isEmpty ? undefined : { values, present }
}
