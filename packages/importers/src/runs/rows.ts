import type { MetricColumn, PointColumns } from '@normwatch/protocol'

/** Rows of a run in the order in which the log has them. */
export class Rows {
  readonly step: number[] = []
  readonly time: number[] = []
  readonly metrics = new Map<string, { readonly rows: number[]; readonly values: number[] }>()
  readings = 0

  put(name: string, value: number): void {
    let metric = this.metrics.get(name)
    if (metric === undefined) {
      metric = { rows: [], values: [] }
      this.metrics.set(name, metric)
    }
    metric.rows.push(this.step.length - 1)
    metric.values.push(value)
    this.readings++
  }

  /** Whether two metrics have readings in one row. */
  share(a: string, b: string): boolean {
    const [first = [], second = []] = [this.metrics.get(a)?.rows, this.metrics.get(b)?.rows]
    for (let i = 0, j = 0; i < first.length && j < second.length;) {
      const difference = (first[i] as number) - (second[j] as number)
      if (difference === 0) return true
      if (difference < 0) i++
      else j++
    }
    return false
  }

  clear(): void {
    this.step.length = 0
    this.time.length = 0
    this.metrics.clear()
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
  const order = keptRows(rows.step, firstRow, seams)
  const place = new Int32Array(rows.step.length).fill(-1)
  const step: number[] = []
  const time: number[] = []
  for (const row of order) {
    const at = rows.step[row] as number
    if (step.at(-1) !== at) {
      step.push(at)
      time.push(rows.time[row] as number)
    }
    place[row] = step.length - 1
  }
  const metrics = new Map<string, MetricColumn>()
  for (const [name, column] of rows.metrics) {
    const final = nameOf(name)
    const filled = fill(column, place, step.length, metrics.get(final))
    if (filled !== undefined) metrics.set(final, filled)
  }
  for (const [name, { values, present }] of metrics)
    if (present !== null && !present.includes(0)) metrics.set(name, { values, present: null })
  return { step: Float64Array.from(step), time: Float64Array.from(time), metrics }
}

/** The indices of the rows that no later seam drops, in order of their steps. */
function keptRows(steps: readonly number[], firstRow: number, seams: readonly Seam[]): number[] {
  const kept: number[] = []
  let seam = seams.length - 1
  let dropsFrom = Infinity
  let ascends = true
  for (let row = steps.length - 1; row >= 0; row--) {
    for (; seam >= 0 && (seams[seam] as Seam).row > row + firstRow; seam--)
      dropsFrom = Math.min(dropsFrom, (seams[seam] as Seam).step)
    const step = steps[row] as number
    if (step >= dropsFrom) continue
    if (kept.length > 0 && step > (steps[kept.at(-1) as number] as number)) ascends = false
    kept.push(row)
  }
  kept.reverse()
  // the sort is stable: of two rows of one step the later stays later
  return ascends ? kept : kept.sort((a, b) => (steps[a] as number) - (steps[b] as number))
}

function fill(
  column: { readonly rows: readonly number[]; readonly values: readonly number[] },
  place: Int32Array,
  length: number,
  before: MetricColumn | undefined,
): MetricColumn | undefined {
  const values = before?.values ?? new Float64Array(length)
  const present = before?.present ?? new Uint8Array(length)
  let isEmpty = before === undefined
  // within a step the later row wins, whatever the order in which the rows come
  const newest = new Int32Array(length).fill(-1)
  column.rows.forEach((row, i) => {
    const at = place[row] as number
    if (at < 0 || (newest[at] as number) > row) return
    newest[at] = row
    values[at] = column.values[i] as number
    present[at] = 1
    isEmpty = false
  })
  return isEmpty ? undefined : { values, present }
}
