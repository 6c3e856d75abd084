import { LogRefused, type Head, type LogStream, type SqlRow } from '../format.ts'
import { bareLog } from './carried.ts'
import { splitLines } from './lines.ts'
import { decodeUtf8 } from './utf8.ts'

/** Bytes that are enough to know most formats by. */
export const HEAD_BYTES = 65_536
const MAX_WHOLE = 128 * 1024 * 1024

/** Rows given at once. */
const ROWS = 1000

/** Rows of an SQL query over the file. Throws `LogRefused` where it is broken. */
export type Query = (sql: string, values: readonly string[]) => Iterable<SqlRow>

export interface StreamOptions {
  /** Awaited before each chunk but the first: the place to send what was read so far, so that memory stays bounded. */
  readonly betweenChunks?: () => Promise<void>
  readonly query?: Query | undefined
}

/** A log that comes in chunks. Its beginning can be looked at before it is read. */
export class ChunkedLog implements LogStream {
  readonly name: string
  readonly #query: Query | undefined
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #seen: Uint8Array[] = []
  readonly #betweenChunks: (() => Promise<void>) | undefined

  constructor(name: string, chunks: AsyncIterable<Uint8Array>, options: StreamOptions = {}) {
    this.name = name
    this.#chunks = bareLog(unpacked(chunks))[Symbol.asyncIterator]()
    this.#betweenChunks = options.betweenChunks
    this.#query = options.query
  }

  /** The beginning, as much of it as there is. */
  async head(bytes = HEAD_BYTES): Promise<Head> {
    let length = this.seen
    while (length < bytes) {
      const { done, value } = await this.#chunks.next()
      if (done === true) break
      this.#seen.push(value)
      length += value.length
    }
    return headOf(joined(this.#seen), bytes)
  }

  /** Bytes that have been looked at so far, before reading began. */
  get seen(): number {
    return this.#seen.reduce((sum, { length }) => sum + length, 0)
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    while (this.#seen.length > 0) yield this.#seen.shift() as Uint8Array
    for (;;) {
      await this.#betweenChunks?.()
      const { done, value } = await this.#chunks.next()
      if (done === true) return
      yield value
    }
  }

  text(): AsyncGenerator<string> {
    return decodeUtf8(this.bytes())
  }

  lines(): AsyncGenerator<readonly string[]> {
    return splitLines(this.text())
  }

  async whole(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of this.bytes()) {
      chunks.push(chunk)
      length += chunk.length
      if (length > MAX_WHOLE)
        throw new LogRefused(`This format is read whole, and the file has more than ${MAX_WHOLE} bytes.`)
    }
    return joined(chunks)
  }

  async *query(sql: string, ...values: readonly string[]): AsyncGenerator<readonly SqlRow[]> {
    if (this.#query === undefined)
      throw new LogRefused('SQLite files are read by the command "normwatch import" alone, from a disk.')
    let rows: SqlRow[] = []
    for (const row of this.#query(sql, values)) {
      rows.push(row)
      if (rows.length < ROWS) continue
      yield rows
      rows = []
      await this.#betweenChunks?.()
    }
    yield rows
  }

  /** Lets the source go before it has ended. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}

export function headOf(bytes: Uint8Array, length = HEAD_BYTES): Head {
  const head = bytes.subarray(0, length)
  return { bytes: head, text: new TextDecoder().decode(head) }
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** The chunks as they are, or unpacked where they begin as gzip does. */
async function* unpacked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]()
  let first = new Uint8Array()
  try {
    while (first.length < 2) {
      const { done, value } = await source.next()
      if (done === true) break
      first = new Uint8Array(joined([first, value]))
    }
    const isGzip = first[0] === 0x1f && first[1] === 0x8b
    const rest = restOf(first, source)
    yield* isGzip ? gunzip(rest) : rest
  } finally {
    await source.return?.()
  }
}

async function* restOf(
  first: Uint8Array<ArrayBuffer>,
  source: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (first.length > 0) yield first
  for (;;) {
    const { done, value } = await source.next()
    if (done === true) return
    yield value as Uint8Array<ArrayBuffer>
  }
}

async function* gunzip(packed: AsyncGenerator<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array> {
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await packed.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
  })
  const reader = source.pipeThrough(new DecompressionStream('gzip')).getReader()
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw new LogRefused(`The gzip data are broken or cut off after ${bytes} unpacked bytes.`, {
          cause: error,
        })
      })
      if (done) return
      bytes += value.length
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
