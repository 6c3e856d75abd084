import { MAX_POINTS_PER_REQUEST } from '@normwatch/protocol/limits'
import { encodeColumn, type WireNumber } from '@normwatch/protocol/number-codec'

/** Points × metrics of one batch at the most: at 25 bytes a number its JSON stays below the body limit. */
const MAX_CELLS = 250_000
const FIRST_CAPACITY = 64
const BYTES_A_CELL = 9
const BYTES_A_ROW = 16

/** The columns of one batch as they travel. */
export type WireColumns = Record<string, (WireNumber | null)[]>

export interface Column {
  values: Float64Array
  /** 1 where there is a reading. */
  present: Uint8Array
}

/** Rows that become one batch: columns that grow as rows and metrics come. */
export class Chunk {
  rows = 0
  /** Step of the newest row, -1 before the first. */
  lastStep = -1
  /** Columns by the names that the caller uses, so that a reading costs one look-up. */
  readonly byMetric = new Map<string, Column>()
  readonly byLayer = new Map<string, Column>()
  readonly #columns = new Map<string, Column>()
  #capacity = FIRST_CAPACITY
  #maxRows = MAX_POINTS_PER_REQUEST
  #step = new Float64Array(FIRST_CAPACITY)
  #time = new Float64Array(FIRST_CAPACITY)

  get bytes(): number {
    return this.#capacity * (BYTES_A_ROW + BYTES_A_CELL * this.#columns.size)
  }

  get isFull(): boolean {
    return this.rows >= this.#maxRows
  }

  /** Starts a row. Only while the chunk is not full. */
  addRow(step: number, time: number): void {
    if (this.rows === this.#capacity) this.#grow()
    this.#step[this.rows] = step
    this.#time[this.rows] = time
    this.lastStep = step
    this.rows++
  }

  put(column: Column, value: number): void {
    column.values[this.rows - 1] = value
    column.present[this.rows - 1] = 1
  }

  /** The column of this wire name, made where there is none; `undefined` when the chunk has no room for one more. */
  column(name: string): Column | undefined {
    const known = this.#columns.get(name)
    if (known !== undefined) return known
    const columns = this.#columns.size + 1
    if (columns * this.rows > MAX_CELLS && this.rows > 1) return undefined
    this.#maxRows = Math.min(MAX_POINTS_PER_REQUEST, Math.max(1, Math.floor(MAX_CELLS / columns)))
    const column = { values: new Float64Array(this.#capacity), present: new Uint8Array(this.#capacity) }
    this.#columns.set(name, column)
    return column
  }

  /** The wire form; a row without a time (NaN) gets the server's. */
  encode(): WireColumns {
    const encoded: WireColumns = {
      step: Array.from(this.#step.subarray(0, this.rows)),
      time: Array.from(this.#time.subarray(0, this.rows), (time) => (Number.isNaN(time) ? null : time)),
    }
    for (const [name, { values, present }] of this.#columns) {
      encoded[name] = encodeColumn(values.subarray(0, this.rows), present)
    }
    return encoded
  }

  #grow(): void {
    this.#capacity = Math.min(this.#capacity * 2, MAX_POINTS_PER_REQUEST)
    this.#step = grown(this.#step, this.#capacity)
    this.#time = grown(this.#time, this.#capacity)
    for (const column of this.#columns.values()) {
      column.values = grown(column.values, this.#capacity)
      const present = new Uint8Array(this.#capacity)
      present.set(column.present)
      column.present = present
    }
  }
}

function grown(values: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity)
  larger.set(values)
  return larger
}
