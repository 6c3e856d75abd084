/** Readings of consecutive steps: for each metric one value per step, `null` without a reading. */
export interface Block {
  readonly step: readonly number[]
  /** Unix seconds. */
  readonly time: readonly number[]
  /** By metric, in the order of `Readings.metrics`. */
  readonly values: readonly (readonly (number | null)[])[]
}

/** The record of a run in step order, read once from the first to the last block. */
export interface Readings {
  readonly metrics: readonly string[]
  readonly blocks: AsyncIterable<Block>
}

/** Reads what `GET /runs/{id}/points?format=csv` sends, in blocks of about so many readings. */
export async function readReadings(
  body: AsyncIterable<Uint8Array>,
  readingsABlock: number,
): Promise<Readings> {
  const lines = linesOf(body)
  const { value: heading = '' } = (await lines.next()) as { value?: string }
  const metrics = cellsOf(heading).slice(2).map(withoutGuard)
  const rows = Math.max(1, Math.floor(readingsABlock / (2 + metrics.length)))
  return { metrics, blocks: blocksOf(lines, metrics.length, rows) }
}

async function* blocksOf(lines: AsyncIterable<string>, metrics: number, rows: number): AsyncGenerator<Block> {
  const empty = () => ({
    step: [] as number[],
    time: [] as number[],
    values: Array.from({ length: metrics }, () => [] as (number | null)[]),
  })
  let block = empty()
  for await (const line of lines) {
    const [step, time, ...cells] = line.split(',')
    block.step.push(Number(step))
    block.time.push(Number(time))
    for (const [i, column] of block.values.entries()) column.push(cells[i] ? Number(cells[i]) : null)
    if (block.step.length < rows) continue
    yield block
    block = empty()
  }
  if (block.step.length > 0) yield block
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\r\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') throw new Error('the server stopped in the middle of a line')
}

/** A name as it was logged: the server puts a `'` before those that a spreadsheet would run, or that start with one. */
const withoutGuard = (name: string) => name.replace(/^'(?=[=+\-@'])/, '')

/** The cells of a line of CSV; a quoted one may hold commas, and quotes doubled. */
function cellsOf(line: string): string[] {
  const cells = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)
  return [...cells].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '')
}
