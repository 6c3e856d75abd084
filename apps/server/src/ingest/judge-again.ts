import type { Finding } from '@normwatch/protocol'
import type { Store } from '../storage/store.ts'
import type { ActiveRun } from './active-run.ts'
import type { IngestContext } from './context.ts'
import { reconcile } from './reconcile.ts'
import { Replay } from './replay.ts'

/** Steps that may be left to judge while the run's appends wait. */
const LAST_SLICE = 10_000
const FINDINGS_A_PAGE = 1_000

/**
 * Judges a stale record from its first point by the facts that hold now, while new batches are stored beside it, and
 * puts the outcome in place of the old one. Callers share one judging; an edit on the way starts it over.
 */
export function judgeAgain(context: IngestContext, active: ActiveRun): Promise<void> {
  return (active.judging ??= untilFresh(context, active)
    .catch((error: unknown) => {
      context.runs.drop(active)
      throw error
    })
    .finally(() => (active.judging = undefined)))
}

async function untilFresh(context: IngestContext, active: ActiveRun): Promise<void> {
  while (active.stale && !active.dropped) await attempt(context, active)
}

async function attempt(context: IngestContext, active: ActiveRun): Promise<void> {
  const { store, hub, runs } = context
  const { edition } = active
  const replay = new Replay(store, await store.runs.get(active.id), active.inForce)
  while ((await replay.catchUp()) > LAST_SLICE);
  const alone = () => true
  await runs.use(active.id, alone, async (current) => {
    if (current !== active || active.edition !== edition) return
    await replay.catchUp()
    const run = await store.runs.get(active.id)
    const stored = await allFindings(store, active.id)
    const stalled = stored.some(({ kind, state }) => kind === 'stalled' && state === 'open')
    const outcome = reconcile(replay.finish(run, stalled, context.now()), stored, context.now())
    active.adopt(replay.judged, outcome.open)
    const { judgement, saved } = active
    const judged = await store.points.rejudge(active.id, judgement, saved(), outcome.changes)
    hub.gap(active.id, 'judged_again')
    for (const finding of outcome.findings) hub.finding(finding, judged.project)
    hub.run(judged, true)
  })
}

async function allFindings(store: Store, run: string): Promise<Finding[]> {
  const all: Finding[] = []
  let cursor: string | null = null
  do {
    const page = await store.findings.list({ run, limit: FINDINGS_A_PAGE, cursor: cursor ?? undefined })
    all.push(...page.findings)
    cursor = page.next_cursor
  } while (cursor !== null)
  return all
}
