import { findMoved, type Surroundings } from '@normwatch/detector'
import { encodeNumber, type MetricColumn, type SnapshotReply } from '@normwatch/protocol'
import { toFinding } from '../storage/to-wire.ts'
import type { Store, StoredFinding } from '../storage/store.ts'

/** Points read on either side of a step, to tell what moved there. */
const POINTS_BEFORE = 500
const POINTS_AFTER = 150
const MAX_FINDINGS = 1_000

/** Every metric before, at and after a step (the newest one when not given), what moved there, and the findings and events there. Throws `RunNotFound`. */
export async function snapshot(
  store: Store,
  id: string,
  step: number | undefined,
  width: number,
): Promise<SnapshotReply> {
  const run = await store.runs.get(id)
  const around = step ?? run.last_step ?? 0
  const interval = Math.max(1, Math.ceil(((run.last_step ?? 0) + 1) / Math.max(1, run.points)))
  const record = await read(store, id, {
    from: Math.max(0, around - Math.max(width, POINTS_BEFORE * interval)),
    to: Math.min(Number.MAX_SAFE_INTEGER, around + Math.max(width, POINTS_AFTER * interval)),
  })
  const range = { from: Math.max(0, around - width), to: Math.min(Number.MAX_SAFE_INTEGER, around + width) }
  const [{ findings }, events] = await Promise.all([
    store.findings.list({ run: id, limit: MAX_FINDINGS }),
    store.events.list(id, range),
  ])
  return {
    around,
    width,
    metrics: [...record.metrics].map(([metric, column]) => ({
      metric,
      ...readingsAround(record.step, column, around, width),
    })),
    moved: findMoved(record, around),
    findings: findings.filter((finding) => isNear(finding, range)).map(toFinding),
    events,
  }
}

/** The record of a range in one piece. */
async function read(
  store: Store,
  id: string,
  range: { readonly from: number; readonly to: number },
): Promise<Surroundings> {
  const blocks = []
  for await (const block of store.points.read(id, range)) blocks.push(block)
  const length = blocks.reduce((sum, { step }) => sum + step.length, 0)
  const step = new Float64Array(length)
  const metrics = new Map<string, { values: Float64Array; present: Uint8Array }>()
  let at = 0
  for (const block of blocks) {
    step.set(block.step, at)
    for (const [metric, { values, present }] of block.metrics) {
      let column = metrics.get(metric)
      if (column === undefined) {
        column = { values: new Float64Array(length), present: new Uint8Array(length) }
        metrics.set(metric, column)
      }
      column.values.set(values, at)
      if (present === null) column.present.fill(1, at, at + values.length)
      else column.present.set(present, at)
    }
    at += block.step.length
  }
  return { step, metrics }
}

function readingsAround(step: Float64Array, column: MetricColumn, around: number, width: number) {
  const before: number[] = []
  const after: number[] = []
  let at: number | undefined
  for (let i = 0; i < step.length; i++) {
    const distance = (step[i] as number) - around
    if (Math.abs(distance) > width || column.present?.[i] === 0) continue
    const value = column.values[i] as number
    if (distance === 0) at = value
    else if (Number.isFinite(value)) (distance < 0 ? before : after).push(value)
  }
  return { before: median(before), at: at === undefined ? null : encodeNumber(at), after: median(after) }
}

/** The middle value, of an even number the upper of the two; `null` for none. */
function median(values: number[]): number | null {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? null
}

function isNear({ onset, opened_step: opened }: StoredFinding, range: { from: number; to: number }): boolean {
  return [onset, opened].some((step) => step !== null && step >= range.from && step <= range.to)
}
