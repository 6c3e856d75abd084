import { MAX_POINTS_PER_REQUEST } from '@normwatch/protocol/limits'
import { encodeColumn, type WireNumber } from '@normwatch/protocol/number-codec'
import { isCapName } from './names.ts'

/** Points × metrics of one batch at the most: at 25 bytes a number its JSON stays below the body limit. */
const MAX_CELLS = 250_000
const FIRST_CAPACITY = 64
const BYTES_A_CELL = 9
const BYTES_A_ROW = 16

/** The columns of one batch as they travel. */
export type WireColumns = Record<string, (WireNumber | null)[]>

export interface Column {
  /** Its readings are caps: above 0. */
  readonly isCap: boolean
  values: Float64Array<ArrayBuffer>
  /** 1 where there is a reading. */
  present: Uint8Array<ArrayBuffer>
}

/** Rows that travel together, as plain data that can be given to another thread. Its arrays may be longer than `rows`. */
export interface Batch {
  readonly rows: number
  readonly step: Float64Array<ArrayBuffer>
  /** NaN: the server's time. */
  readonly time: Float64Array<ArrayBuffer>
  /** By wire names. */
  readonly columns: ReadonlyMap<string, Column>
}

/** Bytes of memory that a batch takes. */
export function bytesOf({ step, columns }: Batch): number {
  return step.length * (BYTES_A_ROW + BYTES_A_CELL * columns.size)
}

/** The buffers of a batch, to transfer them to another thread. */
export function buffersOf({ step, time, columns }: Batch): ArrayBuffer[] {
  const buffers = [step.buffer, time.buffer]
  for (const { values, present } of columns.values()) buffers.push(values.buffer, present.buffer)
  return buffers
}

/** The wire form; a row without a time (NaN) gets the server's. */
export function encodeBatch({ rows, step, time, columns }: Batch): WireColumns {
  const encoded: [string, (WireNumber | null)[]][] = [
    ['step', Array.from(step.subarray(0, rows))],
    ['time', Array.from(time.subarray(0, rows), (at) => (Number.isNaN(at) ? null : at))],
  ]
  for (const [name, { values, present }] of columns) {
    if (!present.includes(1)) continue // each of its readings was refused
    encoded.push([name, encodeColumn(values.subarray(0, rows), present)])
  }
  return Object.fromEntries(encoded) // plain assignment would lose a metric named __proto__
}

/** Rows that become one batch: columns that grow as rows and metrics come. */
export class Chunk {
  rows = 0
  /** Step of the newest row, -1 before the first; and its time. */
  lastStep = -1
  lastTime = NaN
  /** Columns by the names that the caller uses, so that a reading costs one look-up. */
  readonly byMetric = new Map<string, Column>()
  readonly byLayer = new Map<string, Column>()
  readonly #columns = new Map<string, Column>()
  #capacity = FIRST_CAPACITY
  #maxRows = MAX_POINTS_PER_REQUEST
  #step = new Float64Array(FIRST_CAPACITY)
  #time = new Float64Array(FIRST_CAPACITY)

  get isFull(): boolean {
    return this.rows >= this.#maxRows
  }

  /** Starts a row. Only while the chunk is not full. */
  addRow(step: number, time: number): void {
    if (this.rows === this.#capacity) this.#grow()
    this.#step[this.rows] = step
    this.#time[this.rows] = time
    this.lastStep = step
    this.lastTime = time
    this.rows++
  }

  put(column: Column, value: number): void {
    column.values[this.rows - 1] = value
    column.present[this.rows - 1] = 1
  }

  /** The column of this wire name, created if needed; `undefined` when the chunk has no room for another column. */
  column(name: string): Column | undefined {
    const known = this.#columns.get(name)
    if (known !== undefined) return known
    const columns = this.#columns.size + 1
    if (columns * this.rows > MAX_CELLS && this.rows > 1) return undefined
    this.#maxRows = Math.min(MAX_POINTS_PER_REQUEST, Math.max(1, Math.floor(MAX_CELLS / columns)))
    const column = {
      isCap: isCapName(name),
      values: new Float64Array(this.#capacity),
      present: new Uint8Array(this.#capacity),
    }
    this.#columns.set(name, column)
    return column
  }

  /** The rows so far. The chunk is used no more afterwards. */
  toBatch(): Batch {
    return { rows: this.rows, step: this.#step, time: this.#time, columns: this.#columns }
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

function grown(values: Float64Array<ArrayBuffer>, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity)
  larger.set(values)
  return larger
}
