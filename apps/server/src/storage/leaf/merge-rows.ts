import type { MetricColumn } from '@normwatch/protocol'
import type { Leaf } from './leaf.ts'
import type { Rows } from './rows.ts'

/**
 * Puts rows `from` to `to` of a batch, all within the leaf's interval, into the leaf. A step it has gets the readings
 * given and keeps the others; a new step without a time gets `arrivedAt` (Unix seconds). The leaf may then hold more
 * than it should: see `splitFull`.
 */
export function mergeRows(leaf: Leaf, batch: Rows, from: number, to: number, arrivedAt: number): void {
  const isBehind = leaf.count === 0 || (batch.step[from] as number) > (leaf.step[leaf.count - 1] as number)
  const targets = isBehind ? undefined : insertSteps(leaf, batch, from, to)
  const first = leaf.count
  if (targets === undefined) {
    leaf.reserve(first + to - from)
    leaf.step.set(batch.step.subarray(from, to), first)
    leaf.time.fill(NaN, first, first + to - from)
  }
  for (let i = from; i < to; i++) {
    const row = targets === undefined ? first + i - from : (targets[i - from] as number)
    const time = batch.time[i] as number
    const known = leaf.time[row] as number
    if (time === known || (Number.isNaN(time) && !Number.isNaN(known))) continue
    leaf.time[row] = Number.isNaN(time) ? arrivedAt : time
    leaf.changed = undefined
  }
  if (targets === undefined) appendReadings(leaf, batch, from, to)
  else for (const [metric, column] of batch.columns) setReadings(leaf, metric, column, targets, from)
}

function appendReadings(leaf: Leaf, batch: Rows, from: number, to: number): void {
  const first = leaf.count
  const end = first + to - from
  for (const [metric, source] of batch.columns) {
    const given = source.present?.subarray(from, to) ?? null
    if (given !== null && !given.includes(1)) continue
    const column = leaf.column(metric)
    column.values.set(source.values.subarray(from, to), first)
    if (given !== null && given.includes(0)) leaf.presence(column).set(given, first)
    else column.present?.fill(1, first, end)
  }
  for (const [metric, column] of leaf.columns) {
    const given = batch.columns.get(metric)
    if (given === undefined || (given.present !== null && !given.present.subarray(from, to).includes(1)))
      leaf.presence(column).fill(0, first, end)
  }
  leaf.count = end
}

/** Makes a row for each step of the batch that the leaf lacks, and gives the row of each of the batch's steps. */
function insertSteps(leaf: Leaf, batch: Rows, from: number, to: number): Uint32Array {
  const targets = new Uint32Array(to - from)
  const moved = new Uint32Array(leaf.count)
  let row = 0
  let old = 0
  for (let i = from; i < to; i++) {
    const step = batch.step[i] as number
    while (old < leaf.count && (leaf.step[old] as number) < step) moved[old++] = row++
    targets[i - from] = row
    if (old < leaf.count && leaf.step[old] === step) moved[old++] = row
    row++
  }
  while (old < leaf.count) moved[old++] = row++
  if (row > leaf.count) {
    spread(leaf, moved, row)
    leaf.changed = undefined
  }
  for (let i = from; i < to; i++) leaf.step[targets[i - from] as number] = batch.step[i] as number
  return targets
}

/** Moves row `i` to `moved[i]`; the rows between have no time and no readings. */
function spread(leaf: Leaf, moved: Uint32Array, count: number): void {
  for (const column of leaf.columns.values()) leaf.presence(column)
  const old = leaf.count
  leaf.reserve(count)
  const lists: (Float64Array | Uint8Array)[] = [leaf.step]
  for (const { values, present } of leaf.columns.values()) lists.push(values, present as Uint8Array)
  // from the end, since rows only move up
  for (const list of lists) {
    for (let i = old - 1; i >= 0; i--) list[moved[i] as number] = list[i] as number
  }
  const isOld = new Uint8Array(count)
  for (const row of moved) isOld[row] = 1
  for (let i = old - 1; i >= 0; i--) leaf.time[moved[i] as number] = leaf.time[i] as number
  for (let row = 0; row < count; row++) {
    if (isOld[row] === 1) continue
    leaf.time[row] = NaN
    for (const { present } of leaf.columns.values()) (present as Uint8Array)[row] = 0
  }
  leaf.count = count
}

function setReadings(
  leaf: Leaf,
  metric: number,
  { values, present }: MetricColumn,
  targets: Uint32Array,
  from: number,
): void {
  if (present !== null && !present.subarray(from, from + targets.length).includes(1)) return
  leaf.changed?.add(metric)
  const column = leaf.column(metric)
  const presence = leaf.presence(column)
  targets.forEach((row, k) => {
    if (present !== null && present[from + k] === 0) return
    column.values[row] = values[from + k] as number
    presence[row] = 1
  })
  if (!presence.subarray(0, leaf.count).includes(0)) column.present = null
}
