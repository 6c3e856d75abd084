import { MAX_STEP, type MetricColumn, type PointColumns } from '@normwatch/protocol'
import { endOf, type Interval } from '../leaf/dyadic.ts'
import { Leaf } from '../leaf/leaf.ts'
import { rowFrom, type Rows } from '../leaf/rows.ts'
import { neighbours, type Directory } from './neighbours.ts'
import { rowsOf } from './record-of.ts'
import type { ResidentRun } from './resident-run.ts'
import type { StoredPage } from './summaries.ts'
import type { Tables } from './tables-at-hand.ts'

interface Range {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

type Read = <T>(work: (resident: ResidentRun) => T) => T
/** What a leaf gives from the step on, and how many readings were looked up for it. */
type TakeLeaf<T> = (leaf: Interval, from: number) => { readonly block: T; readonly readings: number }

/** Readings looked up together, between which nothing changes. */
const READINGS_A_TURN = 2 ** 15

/** Raw readings of some metrics, or of all, a leaf a block. */
export async function* readBlocks(
  tables: Tables,
  { metrics, ...range }: Range & { readonly metrics?: readonly string[] | undefined },
  read: Read,
): AsyncGenerator<PointColumns> {
  const { to = MAX_STEP } = range
  const blocks = leafByLeaf(tables, range, read, (resident) => {
    const { names } = resident
    const wanted = new Set(
      (metrics ?? names.all).map((name) => names.number(name)).filter((metric) => metric !== undefined),
    )
    return (leaf, from) => {
      const rows = rowsOf(tables, resident, leaf.start, wanted)
      const block = names.named(withReadings(rows, wanted, rowFrom(rows, from), rowFrom(rows, to + 1)))
      return { block, readings: rows.count * Math.max(1, rows.columns.size) }
    }
  })
  for await (const block of blocks) if (block.step.length > 0) yield block
}

/** The readings of one metric without their steps, a leaf a block: of a stored leaf nothing else is decoded. */
export function readReadings(
  tables: Tables,
  metric: string,
  range: Range,
  read: Read,
): AsyncGenerator<Float64Array> {
  const { to = MAX_STEP } = range
  return leafByLeaf(tables, range, read, (resident) => {
    const number = resident.names.number(metric)
    const wanted = new Set(number === undefined ? [] : [number])
    return (leaf, from) => {
      const isWhole = from <= leaf.start && endOf(leaf) - 1 <= to && !resident.leaves.includes(leaf as Leaf)
      if (number === undefined) return { block: new Float64Array(0), readings: 1 }
      if (isWhole) {
        const block = new Float64Array(tables.leaves.readings(resident.row.key, leaf.start, number))
        return { block, readings: block.length }
      }
      const rows = rowsOf(tables, resident, leaf.start, wanted)
      const { columns } = withReadings(rows, wanted, rowFrom(rows, from), rowFrom(rows, to + 1))
      const { values, present } = columns.get(number) ?? { values: new Float64Array(0), present: null }
      return {
        block: present === null ? values : values.filter((_, row) => present[row] === 1),
        readings: rows.count,
      }
    }
  })
}

/** Goes through the leaves in the range by step, looked up anew a few at a time: the run may change between two turns. */
async function* leafByLeaf<T>(
  tables: Tables,
  { from = 0, to = MAX_STEP }: Range,
  read: Read,
  startTurn: (resident: ResidentRun) => TakeLeaf<T>,
): AsyncGenerator<T> {
  let next = from
  while (next <= to) {
    yield* read((resident) => {
      const directory = steadyDirectory(tables.summaries)
      const take = startTurn(resident)
      const blocks: T[] = []
      for (let looked = 0; looked < READINGS_A_TURN && next <= to;) {
        const leaf = leafFrom(directory, resident, next)
        if (leaf === undefined || leaf.start > to) {
          next = Infinity
          break
        }
        const { block, readings } = take(leaf, next)
        blocks.push(block)
        looked += readings
        next = endOf(leaf)
      }
      return blocks
    })
  }
}

/** The leaf that holds the step, else the first above it. */
function leafFrom(directory: Directory, resident: ResidentRun, step: number): Interval | undefined {
  const { below, above } = neighbours(directory, resident.row.key, step, resident.replaced)
  return [...resident.leaves.filter(({ count }) => count > 0), below, above]
    .filter((leaf) => leaf !== undefined && endOf(leaf) > step)
    .reduce(
      (first, leaf) => ((first?.start ?? Infinity) < (leaf?.start ?? Infinity) ? first : leaf),
      undefined,
    )
}

/** The directory of one run while nothing changes: steps that follow one another are looked up in one page. */
function steadyDirectory(summaries: Directory): Directory {
  let last: StoredPage | undefined
  return {
    ...summaries,
    pageFor(run, step) {
      const isHere =
        last !== undefined && last.first <= step && last.page.lastFrom(step) < last.page.count - 1
      return isHere ? (last as StoredPage) : (last = summaries.pageFor(run, step))
    },
  }
}

/** The rows from `low` to `high` that have a reading of the metrics wanted, and these columns alone. */
function withReadings(rows: Rows, wanted: ReadonlySet<number>, low: number, high: number): Rows {
  const columns = [...rows.columns].filter(([metric]) => wanted.has(metric))
  const isDense = columns.some(([, { present }]) => present === null)
  const kept: number[] = []
  for (let row = low; row < high && !isDense; row++) {
    if (columns.some(([, { present }]) => present?.[row] === 1)) kept.push(row)
  }
  const pick = <T extends Float64Array | Uint8Array>(list: T): T => {
    // a leaf at hand goes on changing while the block is read
    if (isDense) return (rows instanceof Leaf ? list.slice(low, high) : list.subarray(low, high)) as T
    const some = list.slice(0, kept.length) as T
    kept.forEach((row, i) => (some[i] = list[row] as number))
    return some
  }
  const picked = columns.map(([metric, { values, present }]): [number, MetricColumn] => [
    metric,
    { values: pick(values), present: present && pick(present) },
  ])
  const step = pick(rows.step)
  return { count: step.length, step, time: pick(rows.time), columns: new Map(picked) }
}
