import type { CloseReason } from '@normwatch/protocol'
import { othersTurns, pauses } from '../in-slices.ts'
import {
  RunNotFound,
  type FindingChange,
  type FindingQuery,
  type Store,
  type StoredFinding,
} from '../storage/store.ts'
import { pastFindings } from '../storage/past-findings.ts'
import type { ActiveRun, Outcome } from './active-run.ts'
import type { IngestContext } from './active-runs.ts'
import { claimed } from './claimed.ts'
import { closedFinding, closeFinding, episodeOf } from './judgement.ts'
import { Replay } from './replay.ts'
import { tellFindings } from './tell-findings.ts'

/** Remaining steps that are judged while the run's appends wait. */
const LAST_SLICE = 10_000
const FINDINGS_A_PAGE = 1_000
/** Changes of findings of the past that are recorded in one unit; each of these findings has two. */
const CHANGES_A_UNIT = 200
/** Names the chore of judging a run whose judging was interrupted. */
const JUDGE_RUN = 'judge again the run '

/** The run that is judged again under this claim, if it is one. */
export const runOf = (chore: string): string | undefined =>
  chore.startsWith(JUDGE_RUN) ? chore.slice(JUDGE_RUN.length) : undefined

/**
 * Judges a stale record from its first point by the current facts, while new batches are stored, and replaces the old
 * judgement. Callers share one pass; an edit meanwhile starts it over. Throws `StoreUnavailable` when the service stops:
 * the record stays stale, and is judged when the run is used next.
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
  const { store, hub, runs, stopping } = context
  const { edition } = active
  const replay = new Replay(store, await store.runs.get(active.id), active.inForce)
  while ((await replay.catchUp(stopping)) > LAST_SLICE);
  const alone = () => true
  await runs.use(active.id, alone, async (current) => {
    if (current !== active || active.edition !== edition) return
    await replay.catchUp(stopping)
    const run = await store.runs.get(active.id)
    const stored = await allFindings(store, { run: active.id })
    const stalled = stored.some(({ kind, state }) => kind === 'stalled' && state === 'open')
    const all = reconcile(replay.finish(run, stalled, context.now()), stored, context.now())
    const outcome = await recordPast(context, active, all)
    active.adopt(replay.judged, outcome.open)
    const judged = await store.points.rejudge(active.id, active.judged(outcome.changes))
    hub.gap(active.id, 'judged_again')
    tellFindings(context, outcome.findings, judged.project)
    hub.run(judged, true)
  })
}

/**
 * Records findings of the past, which open and close in this outcome, and returns what is left of it. Thousands of them
 * would keep others waiting if they were one unit with the judgement; the record is stale until that is stored.
 */
async function recordPast(
  context: IngestContext,
  active: ActiveRun,
  outcome: Reconciled,
): Promise<Reconciled> {
  const { changes, findings, open } = outcome
  const past = pastFindings(changes)
  const isPast = (change: FindingChange) => past.has(change.type === 'opened' ? change.finding.id : change.id)
  const over = changes.filter(isPast)
  const told = new Map(findings.map((finding) => [finding.id, finding]))
  for (let from = 0; from < over.length; from += CHANGES_A_UNIT) {
    const some = over.slice(from, from + CHANGES_A_UNIT)
    const { project } = await context.store.findings.record(active.id, active.judged(some))
    const ended = some.flatMap((change) => (change.type === 'closed' ? (told.get(change.id) ?? []) : []))
    tellFindings(context, ended, project)
  }
  return {
    changes: changes.filter((change) => !isPast(change)),
    findings: findings.filter(({ id }) => !past.has(id)),
    open,
  }
}

/**
 * Judges again the runs that have ended and still have an open finding: a crash came between their end and the judging of
 * a record that was cut or whose cap was changed with it. Rejects when the service stops.
 */
export async function judgeInterrupted(context: IngestContext): Promise<void> {
  const { store, stopping } = context
  const open = await allFindings(store, { state: 'open' })
  const pause = pauses()
  for (const id of new Set(open.map(({ run }) => run))) {
    stopping.throwIfAborted()
    await judgeEnded(context, id)
    await pause()
  }
}

/** Judges a run again if it has ended, unless another server is doing so. */
export async function judgeEnded(context: IngestContext, id: string): Promise<void> {
  const { store, runs } = context
  try {
    const { status } = await store.runs.get(id)
    if (status === 'running') return
    await claimed(store.chores, JUDGE_RUN + id, async () => {
      const active = await runs.get(id)
      active.markStale()
      await judgeAgain(context, active)
    })
  } catch (error) {
    // removed meanwhile
    if (!(error instanceof RunNotFound)) throw error
  }
}

async function allFindings(
  store: Store,
  query: Pick<FindingQuery, 'run' | 'state'>,
): Promise<StoredFinding[]> {
  const all: StoredFinding[] = []
  let cursor: string | null = null
  do {
    const page = await store.findings.list({ ...query, limit: FINDINGS_A_PAGE, cursor: cursor ?? undefined })
    all.push(...page.findings)
    cursor = page.next_cursor
    // others are served between the pages
    await othersTurns()
  } while (cursor !== null)
  return all
}

export interface Reconciled extends Outcome {
  /** The findings that are open afterwards, by kind and part. */
  readonly open: Map<string, StoredFinding>
}

/**
 * The changes that make a run's stored findings match the result of judging its record again. A finding of the
 * same kind and part that opened at the same step is the same one. History stays: a closed finding is never opened again, nor
 * removed. An open one that the record no longer shows closes with `settings_changed`.
 */
export function reconcile(
  replayed: readonly StoredFinding[],
  stored: readonly StoredFinding[],
  now: number,
): Reconciled {
  const changes: FindingChange[] = []
  const findings: StoredFinding[] = []
  const open = new Map<string, StoredFinding>()
  const unconfirmed = new Map(stored.filter(isOpen).map((finding) => [episode(finding), finding]))
  const past = new Set(stored.filter((finding) => !isOpen(finding)).map(episode))
  const close = (finding: StoredFinding, step: number | null, reason: CloseReason, at: number) => {
    const closing = closeFinding(finding, { step, reason }, at)
    changes.push(closing)
    findings.push(closedFinding(finding, closing))
  }
  for (const finding of replayed) {
    let kept = unconfirmed.get(episode(finding))
    unconfirmed.delete(episode(finding))
    if (kept === undefined && (isOpen(finding) || !past.has(episode(finding)))) {
      kept = { ...finding, state: 'open', closed_step: null, closed_at: null, close_reason: null }
      changes.push({ type: 'opened', finding: kept })
      if (isOpen(finding)) findings.push(kept)
    }
    if (kept === undefined) continue
    const { closed_step, closed_at, close_reason } = finding
    if (isOpen(finding)) open.set(episodeOf(kept), kept)
    else if (close_reason !== null) close(kept, closed_step, close_reason, closed_at ?? NaN)
  }
  for (const finding of unconfirmed.values()) close(finding, null, 'settings_changed', now)
  return { changes, findings, open }
}

function isOpen(finding: StoredFinding): boolean {
  return finding.state === 'open'
}

function episode(finding: StoredFinding): string {
  return `${episodeOf(finding)} ${finding.opened_step}`
}
