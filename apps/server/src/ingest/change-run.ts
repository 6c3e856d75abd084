import { end } from '@normwatch/detector'
import type { RunFields, RunPatch } from '@normwatch/protocol'
import type { StoredRun } from '../storage/store.ts'
import type { ActiveRun, Outcome } from './active-run.ts'
import type { IngestContext } from './active-runs.ts'
import { judgeAgain } from './judge-again.ts'
import { factsOf } from './run-settings.ts'
import { settingsInForce } from './run-settings.ts'

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
 * Changes a run. An ending closes its open findings before the status changes, so that a request which was cut off in
 * between can be sent again. Resolves when the record is judged by what holds now. Throws `RunNotFound`.
 */
export async function patchRun(context: IngestContext, id: string, patch: RunPatch): Promise<StoredRun> {
  const { status, ...fields } = patch
  if (status === undefined || Object.keys(fields).length > 0) {
    await context.runs.use(id, alone, async (active) => {
      const run = await context.store.runs.patch(id, fields, context.now())
      await noteEdit(context, active, run)
      if (fields.truncate_after === undefined) return
      active.markStale()
      context.hub.gap(id, 'truncated')
    })
    const run = await freshRun(context, id)
    if (status === undefined) return run
  }
  return setStatus(context, id, status)
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
  const facts = factsOf(run)
  const inForce = await settingsInForce(context.store, run)
  if (active.isJudgedBy({ facts, overrides: inForce.overrides })) return
  active.facts = facts
  active.inForce = inForce
  active.markStale()
}

/** The run once its record is judged by the facts that hold; its readers get it. */
export async function freshRun(context: IngestContext, id: string): Promise<StoredRun> {
  await judgeAgain(context, await context.runs.get(id))
  const run = await context.store.runs.get(id)
  context.hub.run(run, true)
  return run
}

function setStatus(
  { runs, store, hub, now }: IngestContext,
  id: string,
  status: NonNullable<RunPatch['status']>,
): Promise<StoredRun> {
  return runs.use(id, alone, async (active) => {
    const outcome: Outcome = { changes: [], findings: [] }
    if (active.status === 'running' && status !== 'running') {
      active.note(end(active.state, status, active.facts, active.settings), now(), outcome)
      active.refreshJudgement()
      await store.findings.record(id, active.judgement, outcome.changes, active.saved)
    }
    const run = await store.runs.patch(id, { status }, now())
    active.status = status
    for (const finding of outcome.findings) hub.finding(finding, run.project)
    hub.run(run, true)
    return run
  })
}
