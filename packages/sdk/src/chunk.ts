import { MAX_POINTS_PER_REQUEST } from '@normwatch/protocol/limits'
import { encodeColumn, type WireNumber } from '@normwatch/protocol/number-codec'
import { isCapName } from './names.ts'

/** The most points × metrics in one batch. At 25 bytes a number, its JSON stays below the server's body limit. */
const MAX_CELLS = 250_000
const FIRST_CAPACITY = 64
const BYTES_A_CELL = 9
const BYTES_A_ROW = 16

/** The columns of one batch in their wire form. */
export type WireColumns = Record<string, (WireNumber | null)[]>

export interface Column {
  /** Its readings are caps, which must be above 0. */
  readonly isCap: boolean
  values: Float64Array<ArrayBuffer>
  /** 1 for a row that has a reading, else 0. */
  present: Uint8Array<ArrayBuffer>
}

/** Rows that are sent together, as plain data that can be passed to another thread. The arrays may be longer than `rows`. */
export interface Batch {
  readonly rows: number
  readonly step: Float64Array<ArrayBuffer>
  /** Unix seconds. NaN means that the server sets the time. */
  readonly time: Float64Array<ArrayBuffer>
  /** Keyed by wire name. */
  readonly columns: ReadonlyMap<string, Column>
}

/** Memory that a batch takes, in bytes. */
export function bytesOf({ step, columns }: Batch): number {
  return step.length * (BYTES_A_ROW + BYTES_A_CELL * columns.size)
}

/** The buffers of a batch, to transfer them to another thread. */
export function buffersOf({ step, time, columns }: Batch): ArrayBuffer[] {
  const buffers = [step.buffer, time.buffer]
  for (const { values, present } of columns.values()) buffers.push(values.buffer, present.buffer)
  return buffers
}

/** The wire form. The server sets the time of rows whose time is NaN. */
export function encodeBatch({ rows, step, time, columns }: Batch): WireColumns {
  const encoded: [string, (WireNumber | null)[]][] = [
    ['step', Array.from(step.subarray(0, rows))],
    ['time', Array.from(time.subarray(0, rows), (at) => (Number.isNaN(at) ? null : at))],
  ]
  for (const [name, { values, present }] of columns) {
    if (!present.includes(1)) continue // every reading was refused
    encoded.push([name, encodeColumn(values.subarray(0, rows), present)])
  }
  return Object.fromEntries(encoded) // plain assignment would lose a metric named __proto__
}

/** Rows that become one batch. Columns grow as rows and metrics are added. */
export class Chunk {
  rows = 0
  /** Step of the newest row (-1 before the first row), and its time. */
  lastStep = -1
  lastTime = NaN
  /** Columns keyed by the names that the caller uses, so that each reading takes one look-up. */
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

  /** Starts a row. Must not be called on a full chunk. */
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

  /** The column of this wire name, created if needed. `undefined` if the chunk has no room for another column. */
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

  /** The rows so far. The chunk must not be used afterwards. */
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
