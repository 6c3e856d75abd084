import { setImmediate as nextTurn } from 'node:timers/promises'
import { end, newState, silence } from '@normwatch/detector'
import type { Finding } from '@normwatch/protocol'
import type { Store, StoredRun } from '../storage/store.ts'
import { ActiveRun, type Outcome } from './active-run.ts'
import type { IngestContext } from './context.ts'
import { reconcile } from './reconcile.ts'

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
  const replay = new Replay(store, await store.runs.get(active.id), active)
  while ((await replay.catchUp()) > LAST_SLICE);
  const alone = () => true
  await runs.use(active.id, alone, async (current) => {
    if (current !== active || active.edition !== edition) return
    await replay.catchUp()
    const run = await store.runs.get(active.id)
    const stored = await allFindings(store, active.id)
    const outcome = reconcile(replay.finish(run, stored, context.now()), stored, context.now())
    active.adopt(replay.judged, outcome.open)
    const { judgement, saved } = active
    const judged = await store.points.rejudge(active.id, judgement, saved(), outcome.changes)
    hub.gap(active.id, 'judged_again')
    for (const finding of outcome.findings) hub.finding(finding)
    hub.run(judged, true)
  })
}

/** Judges a run's record on the side, in step order and in slices that let other work through. */
class Replay {
  readonly judged: ActiveRun
  readonly #store: Store
  readonly #episodes = new Map<string, Finding>()
  #next = 0

  constructor(store: Store, run: StoredRun, { settings }: ActiveRun) {
    this.#store = store
    this.judged = new ActiveRun({ ...run, status: 'running' }, newState(), [], settings)
  }

  /** Judges the steps after those judged so far; returns how many there were. */
  async catchUp(): Promise<number> {
    let count = 0
    for await (const block of this.#store.points.read(this.judged.id, { from: this.#next })) {
      const { step } = block
      if (step.length === 0) continue
      this.#remember(this.judged.fold(block, 0))
      this.#next = (step[step.length - 1] as number) + 1
      count += step.length
      await nextTurn()
    }
    return count
  }

  /** Ends the record as the run ended, or stalls it as it has stalled; returns its findings, oldest first. */
  finish(run: StoredRun, stored: readonly Finding[], now: number): Finding[] {
    const { state, facts, settings } = this.judged
    const outcome: Outcome = { changes: [], findings: [] }
    if (run.status !== 'running') {
      this.judged.note(end(state, run.status, facts, settings), Date.parse(run.ended_at ?? ''), outcome)
    } else if (stored.some(({ kind, state }) => kind === 'stalled' && state === 'open')) {
      this.judged.note(silence(state, (now - run.last_arrival) / 1000, facts, settings), now, outcome)
    }
    this.#remember(outcome)
    return [...this.#episodes.values()]
  }

  #remember({ findings }: Outcome): void {
    for (const finding of findings) this.#episodes.set(finding.id, finding)
  }
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
