import { MAX_STEP, type MetricColumn, type PointColumns } from '@normwatch/protocol'
import { endOf, type Interval } from '../leaf/dyadic.ts'
import { rowFrom, type Rows } from '../leaf/rows.ts'
import { neighbours } from './neighbours.ts'
import { rowsOf } from './record-of.ts'
import type { ResidentRun } from './resident-run.ts'
import type { Tables } from './tables-at-hand.ts'

interface Range {
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly metrics?: readonly string[] | undefined
}

/** Raw readings, a leaf a block. Each leaf is looked up anew by step, so the run may change between two blocks. */
export async function* readBlocks(
  tables: Tables,
  { from = 0, to = MAX_STEP, metrics }: Range,
  read: <T>(work: (resident: ResidentRun) => T) => T,
): AsyncGenerator<PointColumns> {
  let next = from
  do {
    const block = read((resident) => {
      const leaf = leafFrom(tables, resident, next)
      if (leaf === undefined || leaf.start > to) return undefined
      const { names } = resident
      const wanted = new Set(
        (metrics ?? names.all).map((name) => names.number(name)).filter((metric) => metric !== undefined),
      )
      const rows = rowsOf(tables, resident, leaf.start, wanted)
      const readings = withReadings(rows, wanted, rowFrom(rows, next), rowFrom(rows, to + 1))
      return { end: endOf(leaf), columns: names.named(readings) }
    })
    if (block === undefined) return
    if (block.columns.step.length > 0) yield block.columns
    next = block.end
  } while (next <= to)
}

/** The leaf that holds the step, else the first above it. */
function leafFrom(tables: Tables, resident: ResidentRun, step: number): Interval | undefined {
  const { below, above } = neighbours(tables.summaries, resident.row.key, step, resident.replaced)
  return [...resident.leaves.filter(({ count }) => count > 0), below, above]
    .filter((leaf) => leaf !== undefined && endOf(leaf) > step)
    .reduce(
      (first, leaf) => ((first?.start ?? Infinity) < (leaf?.start ?? Infinity) ? first : leaf),
      undefined,
    )
}

/** The rows from `low` to `high` that have a reading of the metrics wanted, and these columns alone. */
function withReadings(rows: Rows, wanted: ReadonlySet<number>, low: number, high: number): Rows {
  const columns = [...rows.columns].filter(([metric]) => wanted.has(metric))
  const isDense = columns.some(([, { present }]) => present === null)
  const kept: number[] = []
  for (let row = low; row < high; row++) {
    if (isDense || columns.some(([, { present }]) => present?.[row] === 1)) kept.push(row)
  }
  const pick = (list: Float64Array) => Float64Array.from(kept, (row) => list[row] as number)
  const picked = columns.map(([metric, { values, present }]): [number, MetricColumn] => [
    metric,
    { values: pick(values), present: present && Uint8Array.from(kept, (row) => present[row] as number) },
  ])
  return { count: kept.length, step: pick(rows.step), time: pick(rows.time), columns: new Map(picked) }
}
