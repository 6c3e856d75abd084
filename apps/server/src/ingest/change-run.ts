import { isDeepStrictEqual } from 'node:util'
import type { RunFields, RunPatch } from '@normwatch/protocol'
import type { Judged, StoredRun } from '../storage/store.ts'
import type { ActiveRun, Outcome } from './active-run.ts'
import type { IngestContext } from './active-runs.ts'
import { judgeAgain } from './judge-again.ts'
import { settingsInForce } from './run-settings.ts'
import { tellFindings } from './tell-findings.ts'

const alone = () => true

/** Creates a run or changes the fields given. If they affect judging, the record is judged again. */
export async function putRun(
  context: IngestContext,
  id: string,
  fields: RunFields,
): Promise<{ run: StoredRun; created: boolean }> {
  const { run, created } = await context.store.runs.put(id, fields, context.now())
  if (created) {
    context.hub.run(run, true)
    return { run, created }
  }
  await context.runs.use(id, alone, async (active) => {
    if (run.version > active.version) await noteEdit(context, active, run, active.version + 1)
  })
  return { run: await freshRun(context, id), created }
}

/**
 * Changes a run as one unit: fields, status (with the findings that close when the run ends), and truncation.
 * Resolves when the record is judged by the new facts. Throws `RunNotFound`.
 */
export async function patchRun(context: IngestContext, id: string, patch: RunPatch): Promise<StoredRun> {
  const { store, hub, runs, now } = context
  await runs.use(id, alone, async (active) => {
    const outcome: Outcome = { changes: [], findings: [] }
    const wasRunning = active.status === 'running'
    const { version } = active
    const ended = endedBy(active, patch, now(), outcome)
    const run = await store.runs.patch(id, patch, now(), ended ?? { version })
    active.status = run.status
    await noteEdit(context, active, run, version + 1)
    if (wasRunning && run.status !== 'running' && ended === undefined) active.markStale()
    if (patch.truncate_after !== undefined) {
      active.markStale()
      hub.gap(id, 'truncated')
    }
    tellFindings(context, outcome.findings, run.project)
    if (wasRunning && run.status !== 'running') context.explainer.followed(id, Infinity)
  })
  return freshRun(context, id)
}

/**
 * The judgement of the run's end, if the patch ends a running run. `undefined` otherwise, and if the patch makes the
 * record be judged again: that ends it too.
 */
function endedBy(active: ActiveRun, patch: RunPatch, at: number, outcome: Outcome): Judged | undefined {
  const { status, truncate_after } = patch
  if (active.status !== 'running' || status === undefined || status === 'running') return undefined
  const isChanged = changes(active, null, patch)
  const isPartChanged = Object.entries(patch.parts ?? {}).some(([name, fields]) =>
    changes(active, name, fields),
  )
  if (active.stale || truncate_after !== undefined || isChanged || isPartChanged) return undefined
  active.end(status, at, outcome)
  return active.judged(outcome.changes)
}

/** Whether these fields affect the judgement of a part, or of the run itself (`null`). */
function changes(
  active: ActiveRun,
  name: string | null,
  { clip, optimizer }: Pick<RunPatch, 'clip' | 'optimizer'>,
): boolean {
  const facts = active.parts.find((part) => part.name === name)?.facts
  return (
    facts === undefined ||
    (clip !== undefined && !isDeepStrictEqual(clip, facts.clip)) ||
    (optimizer !== undefined && optimizer !== facts.optimizer)
  )
}

/** Removes a run and all its data; its readers are told. Throws `RunNotFound`. */
export async function deleteRun(context: IngestContext, id: string): Promise<void> {
  await context.runs.use(id, alone, async (active) => {
    const run = await context.store.runs.get(id)
    await context.store.runs.delete(id)
    context.runs.drop(active)
    context.hub.deleted(run)
  })
}

/**
 * Sets the facts by which the run is judged; if they changed, the record must be judged again. The copy is dropped where
 * the run is not at version `expected`: another server has changed it, and this copy has not followed.
 */
export async function noteEdit(
  context: IngestContext,
  active: ActiveRun,
  run: StoredRun,
  expected: number,
): Promise<void> {
  if (run.version !== expected) return context.runs.drop(active)
  active.version = expected
  const inForce = await settingsInForce(context.store, run)
  const { basis } = active
  active.rebase(run, inForce)
  active.lastStep = run.last_step ?? -1
  if (!active.isJudgedBy(basis)) active.markStale()
}

/** The run, once its record is judged by the current facts; its readers get it. */
export async function freshRun(context: IngestContext, id: string): Promise<StoredRun> {
  let active: ActiveRun
  do await judgeAgain(context, (active = await context.runs.get(id)))
  while (active.dropped)
  const run = await context.store.runs.get(id)
  context.hub.run(run, true)
  return run
}
