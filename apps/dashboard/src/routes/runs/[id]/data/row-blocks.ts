import type { SeriesReply } from '@normwatch/protocol'

/** A stretch of steps, both ends inclusive, and how many rows it has: `first` is the place of its first row in the run. */
export interface RowBlock {
  readonly from: number
  readonly to: number
  readonly first: number
  readonly rows: number
}

/** Rows of a block at the least, except the last one. */
const LEAST = 200

/**
 * The rows of a run in blocks, by the counts of a chart of it. Where one metric has a reading at every step logged the
 * places are exact; else they are a lower bound until `withRows` says better.
 */
export function blocksOf({ bucket, series, to }: SeriesReply): RowBlock[] {
  const counts = new Map<number, number>()
  for (const { step, count } of Object.values(series)) {
    step.forEach((at, i) => {
      const start = Math.floor(at / bucket) * bucket
      counts.set(start, Math.max(counts.get(start) ?? 0, count[i] as number))
    })
  }
  const starts = [...counts.keys()].sort((a, b) => a - b)
  const blocks: { from: number; rows: number }[] = []
  for (const from of starts) {
    const rows = counts.get(from) as number
    const last = blocks.at(-1)
    if (last !== undefined && last.rows < LEAST) last.rows += rows
    else blocks.push({ from, rows })
  }
  let first = 0
  return blocks.map(({ from, rows }, i) => {
    const block = { from, to: (blocks[i + 1]?.from ?? to + 1) - 1, first, rows }
    first += rows
    return block
  })
}

/** The blocks, the one at `place` with as many rows as it turned out to have. */
export function withRows(blocks: readonly RowBlock[], place: number, rows: number): readonly RowBlock[] {
  const more = rows - (blocks[place]?.rows ?? rows)
  if (more === 0) return blocks
  return blocks.map((block, i) => {
    if (i < place) return block
    return i === place ? { ...block, rows } : { ...block, first: block.first + more }
  })
}

export function rowCount(blocks: readonly RowBlock[]): number {
  const last = blocks.at(-1)
  return last === undefined ? 0 : last.first + last.rows
}

/** The place of the last block that begins at or before a row (`first`) or a step (`from`); 0 where none does. */
export function blockAt(blocks: readonly RowBlock[], key: 'first' | 'from', value: number): number {
  let low = 0
  let high = blocks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((blocks[middle] as RowBlock)[key] <= value) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}
