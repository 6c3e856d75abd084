import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PointColumns } from '@normwatch/protocol'
import type { StoredRun } from '../storage/store.ts'
import type { ActiveRun, Outcome } from './active-run.ts'
import type { IngestContext } from './context.ts'
import { slices } from './slices.ts'

/**
 * Accepts a batch: judges it, stores it and tells the readers. Resolves when it is durable, with the run as it then is.
 * Throws what `store.points.append` throws; nothing of the batch is stored then. Points of a run that has ended are
 * stored and charted, and open no findings.
 */
export async function acceptPoints(
  context: IngestContext,
  id: string,
  columns: PointColumns,
): Promise<StoredRun> {
  const { store, hub, runs } = context
  const arrivedAt = context.now()
  if (columns.step.length === 0) return store.runs.get(id)
  const parts = slices(columns)
  // The store may refuse a new metric: nothing else is judged on top of such a batch before it is stored. Between the
  // parts of a long one nothing else is judged either.
  const alone = (active: ActiveRun) => parts.length > 1 || bringsMetric(active, columns)
  return runs.use(id, alone, async (active) => {
    const healthBefore = active.judgement.health
    const outcome: Outcome = { changes: [], findings: [] }
    for (const part of parts.slice(0, -1)) {
      active.fold(part, arrivedAt, outcome)
      await nextTurn()
    }
    // The last fold and `append` start in one turn, so that the state the store asks for covers just the batches it holds.
    const { changes, findings } = active.fold(parts.at(-1) as PointColumns, arrivedAt, outcome)
    const { judgement, saved: state } = active
    const run = await store.points.append({ run: id, columns, arrivedAt, judgement, changes, state })
    for (const metric of columns.metrics.keys()) active.knownMetrics.add(metric)
    hub.points(id, columns, arrivedAt)
    for (const finding of findings) hub.finding(finding, run.project)
    hub.run(run, changes.length > 0 || run.health !== healthBefore)
    return run
  })
}

function bringsMetric(active: ActiveRun, columns: PointColumns): boolean {
  for (const metric of columns.metrics.keys()) if (!active.knownMetrics.has(metric)) return true
  return false
}
