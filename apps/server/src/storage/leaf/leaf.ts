import { enclosing, endOf, powerOfTwo, type Interval } from './dyadic.ts'
import { rowFrom, type Rows } from './rows.ts'

/** Most points of one leaf. */
export const LEAF_POINTS = 1024
/** Most readings of one leaf, so that a run with thousands of layers has leaves of bounded size too. */
const LEAF_READINGS = 2 ** 18
const FIRST_CAPACITY = 16

/** Most points of a leaf with so many metrics. */
export const pointsStoredTogether = (metrics: number): number =>
  Math.min(LEAF_POINTS, Math.max(FIRST_CAPACITY, Math.floor(LEAF_READINGS / metrics)))

/** A column that grows with its leaf. */
export interface LeafColumn {
  values: Float64Array
  /** `null` while every row has a reading. */
  present: Uint8Array | null
}

/** The points of one dyadic interval of steps, decoded: the unit of storage. */
export class Leaf implements Rows, Interval {
  start: number
  exponent: number
  count = 0
  step: Float64Array
  time: Float64Array
  readonly columns = new Map<number, LeafColumn>()
  /** Whether it holds anything that its stored form does not. */
  dirty = true
  /** The metrics whose readings differ from the stored ones, where nothing else does; `undefined`: anything may. */
  changed: Set<number> | undefined

  constructor({ start, exponent }: Interval, capacity = FIRST_CAPACITY) {
    this.start = start
    this.exponent = exponent
    this.step = new Float64Array(capacity)
    this.time = new Float64Array(capacity)
  }

  get limit(): number {
    return pointsStoredTogether(this.columns.size)
  }

  get bytes(): number {
    return this.step.length * (16 + 9 * this.columns.size)
  }

  reserve(rows: number): void {
    const have = this.step.length
    if (rows <= have) return
    const capacity = Math.max(rows, Math.min(have * 4, this.limit))
    this.step = grown(this.step, capacity)
    this.time = grown(this.time, capacity)
    for (const column of this.columns.values()) {
      column.values = grown(column.values, capacity)
      if (column.present !== null) column.present = grown(column.present, capacity)
    }
  }

  /** The column of a metric; a new one has no reading in the rows there are. */
  column(metric: number): LeafColumn {
    let column = this.columns.get(metric)
    if (column === undefined) {
      const capacity = this.step.length
      column = {
        values: new Float64Array(capacity),
        present: this.count > 0 ? new Uint8Array(capacity) : null,
      }
      this.columns.set(metric, column)
    }
    return column
  }

  /** Whether each row has a reading, as a list that can be written. */
  presence(column: LeafColumn): Uint8Array {
    column.present ??= new Uint8Array(this.step.length).fill(1, 0, this.count)
    return column.present
  }

  /** Drops the rows from `count` on. */
  cut(count: number): void {
    this.count = count
    this.changed = undefined
    for (const [metric, column] of this.columns) {
      if (column.present !== null && !column.present.subarray(0, count).includes(1))
        this.columns.delete(metric)
    }
  }

  /** It is as it is stored. */
  stored(): void {
    this.dirty = false
    this.changed = new Set()
  }

  /** Narrows the interval to the smallest that holds its points. */
  shrink(): void {
    const narrow = enclosing(this.step[0] as number, this.step[this.count - 1] as number)
    if (narrow.exponent !== this.exponent) this.changed = undefined
    Object.assign(this, narrow)
  }
}

function grown<T extends Float64Array | Uint8Array>(array: T, capacity: number): T {
  const wider = array instanceof Float64Array ? new Float64Array(capacity) : new Uint8Array(capacity)
  wider.set(array)
  return wider as T
}

/**
 * The leaf, or in its place the leaves of its halves where it holds more than it may; halves without points are left
 * out. The leaf itself stays in use as the first of them.
 */
export function splitFull(leaf: Leaf): Leaf[] {
  if (leaf.count <= leaf.limit) return [leaf]
  leaf.shrink()
  const half = { start: leaf.start + powerOfTwo(leaf.exponent - 1), exponent: leaf.exponent - 1 }
  const at = rowFrom(leaf, half.start)
  const upper = copyRows(leaf, at, half)
  leaf.exponent = half.exponent
  leaf.cut(at)
  return [...splitFull(leaf), ...splitFull(upper)]
}

function copyRows(leaf: Leaf, from: number, interval: Interval): Leaf {
  const count = leaf.count - from
  const copy = new Leaf(interval, Math.max(FIRST_CAPACITY, count))
  copy.step.set(leaf.step.subarray(from, leaf.count))
  copy.time.set(leaf.time.subarray(from, leaf.count))
  copy.count = count
  for (const [metric, { values, present }] of leaf.columns) {
    const here = present?.subarray(from, leaf.count) ?? null
    if (here !== null && !here.includes(1)) continue
    const column = copy.column(metric)
    column.values.set(values.subarray(from, leaf.count))
    if (here === null || !here.includes(0)) column.present = null
    else copy.presence(column).set(here)
  }
  return copy
}

/** Whether the step lies in the interval. */
export const holds = (interval: Interval, step: number): boolean =>
  step >= interval.start && step < endOf(interval)
