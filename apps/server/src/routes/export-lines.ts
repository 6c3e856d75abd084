import { encodeNumber, LAYER_PREFIX, type MetricColumn, type PointColumns } from '@normwatch/protocol'

/** One JSON object a step, as `POST …/points` takes them; a chunk of text a block. */
export async function* ndjsonLines(blocks: AsyncIterable<PointColumns>): AsyncGenerator<string> {
  for await (const { step, time, metrics } of blocks) {
    const columns = [...metrics].map(([name, column]) => ({ name, column }))
    const plain = columns.filter(({ name }) => !name.startsWith(LAYER_PREFIX))
    const layers = columns
      .filter(({ name }) => name.startsWith(LAYER_PREFIX))
      .map(({ name, column }) => ({ name: name.slice(LAYER_PREFIX.length), column }))
    let text = ''
    for (let row = 0; row < step.length; row++) {
      const inner = members(layers, row)
      const parts = [`"step":${step[row]}`, `"time":${time[row]}`, ...members(plain, row)]
      if (inner.length > 0) parts.push(`"layers":{${inner.join(',')}}`)
      text += `{${parts.join(',')}}\n`
    }
    yield text
  }
}

/** A heading, then one line a step with a cell for each of `metrics`: empty without a reading, else a number, NaN, Infinity or -Infinity. */
export async function* csvLines(
  blocks: AsyncIterable<PointColumns>,
  metrics: readonly string[],
): AsyncGenerator<string> {
  yield ['step', 'time', ...metrics].map(csvCell).join(',') + '\r\n'
  for await (const block of blocks) {
    const { step, time } = block
    const columns = metrics.map((name) => block.metrics.get(name))
    let text = ''
    for (let row = 0; row < step.length; row++) {
      text += `${step[row]},${time[row]}`
      for (const column of columns) text += `,${column === undefined ? '' : (readingAt(column, row) ?? '')}`
      text += '\r\n'
    }
    yield text
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

/** Quoted where RFC 4180 asks for it; a name that a spreadsheet would take for a formula is quoted apart. */
function csvCell(text: string): string {
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
