import { MovedSearch, type Surroundings } from '@normwatch/detector'
import { encodeNumber, type MetricColumn, type SnapshotReply } from '@normwatch/protocol'
import { inSlices } from '../in-slices.ts'
import { surroundings } from '../ingest/surroundings.ts'
import { toFinding } from '../storage/to-wire.ts'
import type { Store, StoredFinding } from '../storage/store.ts'

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
  const record = await surroundings(store, run, around, width)
  const range = { from: Math.max(0, around - width), to: Math.min(Number.MAX_SAFE_INTEGER, around + width) }
  const [{ findings }, events] = await Promise.all([
    store.findings.list({ run: id, limit: MAX_FINDINGS }),
    store.events.list(id, range),
  ])
  const { metrics, moved } = await inSlices(lookAround(record, around, width))
  return {
    around,
    width,
    metrics,
    moved,
    findings: findings.filter((finding) => isNear(finding, range)).map(toFinding),
    events,
  }
}

function* lookAround(
  { step, metrics }: Surroundings,
  around: number,
  width: number,
): Generator<undefined, Pick<SnapshotReply, 'metrics' | 'moved'>> {
  const found: SnapshotReply['metrics'] = []
  const moved = new MovedSearch(step, around)
  for (const [metric, column] of metrics) {
    found.push({ metric, ...readingsAround(step, column, around, width) })
    moved.look(metric, column)
    yield
  }
  return { metrics: found, moved: moved.found() }
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

/** The median; `null` for an empty list. */
function median(values: number[]): number | null {
  values.sort((a, b) => a - b)
  const [low, high] = [values[(values.length - 1) >> 1], values[values.length >> 1]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

function isNear({ onset, opened_step: opened }: StoredFinding, range: { from: number; to: number }): boolean {
  return [onset, opened].some((step) => step !== null && step >= range.from && step <= range.to)
}
