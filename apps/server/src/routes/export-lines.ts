import { encodeNumber, LAYER_PREFIX, type MetricColumn, type PointColumns } from '@normwatch/protocol'
import { othersTurns } from '../in-slices.ts'

/** Readings that are written out at once: a few milliseconds of work. */
const READINGS_A_PIECE = 8_192

let lastTurn = Promise.resolve()
/** All exports together write one piece at a time. A reader that does not read gets none. */
function turn(): Promise<void> {
  return (lastTurn = lastTurn.then(othersTurns))
}

/** Reads each block when its turn has come. */
async function* inTurns(blocks: AsyncIterable<PointColumns>): AsyncGenerator<PointColumns> {
  const reading = blocks[Symbol.asyncIterator]()
  try {
    for (;;) {
      await turn()
      const { done, value } = await reading.next()
      if (done === true) return
      yield value
    }
  } finally {
    await reading.return?.()
  }
}

/** Cuts the rows of a block into pieces; each is written out when its turn has come. */
async function* pieces(rows: number, metrics: number): AsyncGenerator<[from: number, to: number]> {
  const size = Math.max(1, Math.floor(READINGS_A_PIECE / (1 + metrics)))
  for (let from = 0; from < rows; from += size) {
    await turn()
    yield [from, Math.min(rows, from + size)]
  }
}

/** One JSON object a step, as `POST …/points` takes them; a chunk of text a piece. */
export async function* ndjsonLines(blocks: AsyncIterable<PointColumns>): AsyncGenerator<string> {
  for await (const { step, time, metrics } of inTurns(blocks)) {
    const columns = [...metrics].map(([name, column]) => ({ name, column }))
    const plain = columns.filter(({ name }) => !name.startsWith(LAYER_PREFIX))
    const layers = columns
      .filter(({ name }) => name.startsWith(LAYER_PREFIX))
      .map(({ name, column }) => ({ name: name.slice(LAYER_PREFIX.length), column }))
    for await (const [from, to] of pieces(step.length, columns.length)) {
      let text = ''
      for (let row = from; row < to; row++) {
        const inner = members(layers, row)
        const parts = [`"step":${step[row]}`, `"time":${time[row]}`, ...members(plain, row)]
        if (inner.length > 0) parts.push(`"layers":{${inner.join(',')}}`)
        text += `{${parts.join(',')}}\n`
      }
      yield text
    }
  }
}

/** A heading, then one line a step with a cell for each of `metrics`: empty without a reading, else a number, NaN, Infinity or -Infinity. */
export async function* csvLines(
  blocks: AsyncIterable<PointColumns>,
  metrics: readonly string[],
): AsyncGenerator<string> {
  yield ['step', 'time', ...metrics].map(csvCell).join(',') + '\r\n'
  for await (const block of inTurns(blocks)) {
    const { step, time } = block
    const columns = metrics.map((name) => block.metrics.get(name))
    for await (const [from, to] of pieces(step.length, columns.length)) {
      let text = ''
      for (let row = from; row < to; row++) {
        text += `${step[row]},${time[row]}`
        for (const column of columns) text += `,${column === undefined ? '' : (readingAt(column, row) ?? '')}`
        text += '\r\n'
      }
      yield text
    }
  }
}

function members(columns: readonly { name: string; column: MetricColumn }[], row: number): string[] {
  const parts: string[] = []
  for (const { name, column } of columns) {
    const reading = readingAt(column, row)
    if (reading !== undefined) {
      parts.push(`${JSON.stringify(name)}:${JSON.stringify(encodeNumber(reading))}`)
    }
  }
  return parts
}

function readingAt({ values, present }: MetricColumn, row: number): number | undefined {
  return present === null || present[row] === 1 ? values[row] : undefined
}

/**
 * Quoted where RFC 4180 asks for it. A name that a spreadsheet would take for a formula gets a `'` before it, and so does one that
 * starts with `'`: readers remove one.
 */
function csvCell(text: string): string {
  const safe = /^[=+\-@']/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
