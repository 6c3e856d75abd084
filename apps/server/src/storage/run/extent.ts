import { setImmediate as nextTurn } from 'node:timers/promises'
import { MAX_STEP, type PointColumns } from '@normwatch/protocol'
import { leavesOf } from '../leaf/record.ts'
import { METRIC, LEAF } from '../leaf/summary-page.ts'
import type { Extent, StepAndTime } from '../store.ts'
import type { CachedRun } from './cached-run.ts'
import { readBlocks, withReadings, type Read } from './read-blocks.ts'
import { recordOf, rowsOf } from './record-of.ts'
import type { RunTables } from './run-tables.ts'

/** Pages of the directory that are looked through together, while nothing changes. */
const PAGES_A_TURN = 16

interface Part {
  /** Steps with a reading. */
  readonly points: number
  /** Where the first and the last leaf with one start. */
  readonly first: number | undefined
  readonly last: number | undefined
  /** Where the leaves behind these begin; `undefined`: there are none. */
  readonly next: number | undefined
}

/** See `PointStore.extent`. Only leaves in which some steps lack these metrics, and those at both ends, are decoded. */
export async function extentOf(metrics: readonly string[], read: Read): Promise<Extent> {
  let points = 0
  let first: number | undefined
  let last: number | undefined
  for (let start: number | undefined = 0; start !== undefined;) {
    const from: number = start
    const part = await read((tables, cached) => partFrom(tables, cached, metrics, from))
    points += part.points
    first ??= part.first
    last = part.last ?? last
    start = part.next
    await nextTurn()
  }
  if (first === undefined || last === undefined) return { points, first: undefined, last: undefined }
  let firstStep: StepAndTime | undefined
  for await (const block of readBlocks({ from: first, metrics }, read)) {
    firstStep = stepOf(block, 0)
    break
  }
  let lastStep: StepAndTime | undefined
  for await (const block of readBlocks({ from: last, metrics }, read)) lastStep = stepOf(block, -1)
  return { points, first: firstStep, last: lastStep }
}

const stepOf = ({ step, time }: PointColumns, row: number): StepAndTime => ({
  step: step.at(row) as number,
  time: time.at(row) as number,
})

/** The leaves that start from `start` on, some pages of them. */
function partFrom(tables: RunTables, cached: CachedRun, metrics: readonly string[], start: number): Part {
  const { key } = cached.row
  const numbers = metrics.map((name) => cached.names.number(name)).filter((number) => number !== undefined)
  const next = tables.summaries.firstAfter(key, start, PAGES_A_TURN)
  const record = recordOf(tables, cached, numbers, start, next === undefined ? MAX_STEP : next - 1)
  const most = mostReadings(record, numbers)
  const wanted = new Set(numbers)
  let points = 0
  let first: number | undefined
  let last: number | undefined
  for (const leaf of leavesOf(record.directory)) {
    if (leaf.start < start || leaf.start >= (next ?? Infinity)) continue
    const readings = most.get(leaf.start) ?? 0
    if (readings === 0) continue
    const rows = readings === leaf.count ? undefined : rowsOf(tables, cached, leaf.start, wanted)
    points += rows === undefined ? leaf.count : withReadings(rows, wanted, 0, rows.count).count
    first ??= leaf.start
    last = leaf.start
  }
  return { points, first, last, next }
}

/** By the start of a leaf: how many readings it has of that of the metrics of which it has the most. */
function mostReadings(record: ReturnType<typeof recordOf>, metrics: readonly number[]): Map<number, number> {
  const most = new Map<number, number>()
  for (const metric of metrics) {
    for (const page of record.pagesOf(metric)) {
      for (let at = 0; at < page.count; at++) {
        const start = page.leaf(at, LEAF.start)
        most.set(start, Math.max(most.get(start) ?? 0, page.metric(metric, at, METRIC.count)))
      }
    }
  }
  return most
}
