import { isDeepStrictEqual } from 'node:util'
import type { RunFields, RunPatch } from '@normwatch/protocol'
import type { Judged, StoredRun } from '../storage/store.ts'
import type { ActiveRun, Outcome } from './active-run.ts'
import type { IngestContext } from './active-runs.ts'
import { judgeAgain } from './judge-again.ts'
import { settingsInForce } from './run-settings.ts'
import { tellFindings } from './tell-findings.ts'

const alone = () => true

/** Creates a run or changes the fields given. After an edit of what judging depends on, the record is judged again. */
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
  await context.runs.use(id, alone, (active) => noteEdit(context, active, run))
  return { run: await freshRun(context, id), created }
}

/**
 * Changes a run, as one unit: its fields, its status, where it ends with the findings that end with it, and what is cut
 * off its record. Resolves when the record is judged by what holds now. Throws `RunNotFound`.
 */
export async function patchRun(context: IngestContext, id: string, patch: RunPatch): Promise<StoredRun> {
  const { store, hub, runs, now } = context
  await runs.use(id, alone, async (active) => {
    const outcome: Outcome = { changes: [], findings: [] }
    const wasRunning = active.status === 'running'
    const ended = endedBy(active, patch, now(), outcome)
    const run = await store.runs.patch(id, patch, now(), ended)
    active.status = run.status
    await noteEdit(context, active, run)
    if (wasRunning && run.status !== 'running' && ended === undefined) active.markStale()
    if (patch.truncate_after !== undefined) {
      active.markStale()
      hub.gap(id, 'truncated')
    }
    tellFindings(context, outcome.findings, run.project)
  })
  return freshRun(context, id)
}

/**
 * What judging the end of the run comes to, where the patch ends a running one. `undefined` where it does not, and where
 * the record is to be judged again by what the patch changes: that will end it, too.
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

/** Whether these fields change what a part, or the run itself (`null`), is judged by. */
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

/** Takes over what the run is to be judged by from now on; where that is new, the record is to be judged again. */
export async function noteEdit(context: IngestContext, active: ActiveRun, run: StoredRun): Promise<void> {
  active.version = Math.max(active.version, run.version)
  const inForce = await settingsInForce(context.store, run)
  const { basis } = active
  active.rebase(run, inForce)
  if (!active.isJudgedBy(basis)) active.markStale()
}

/** The run once its record is judged by the facts that hold; its readers get it. */
export async function freshRun(context: IngestContext, id: string): Promise<StoredRun> {
  let active: ActiveRun
  do await judgeAgain(context, (active = await context.runs.get(id)))
  while (active.dropped)
  const run = await context.store.runs.get(id)
  context.hub.run(run, true)
  return run
}
