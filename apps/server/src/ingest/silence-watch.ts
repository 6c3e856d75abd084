import { setTimeout as pause } from 'node:timers/promises'
import type { ListedRun } from '../storage/store.ts'
import type { Outcome } from './active-run.ts'
import type { IngestContext } from './active-runs.ts'
import { tellFindings } from './tell-findings.ts'

/** Milliseconds between two checks of the running runs. */
const LOOK_EVERY_MS = 5_000
/** No run stalls sooner (milliseconds); settings and its usual interval mostly require longer. */
const MIN_SILENCE_MS = LOOK_EVERY_MS

/** A pause that took this much longer or shorter (milliseconds): the machine slept, or its clock was set. */
const MAX_CLOCK_STEP_MS = 15_000

/**
 * Checks the running runs regularly until `signal` aborts. Silence counts from the last arrival of points, but not
 * from before `since` or before the machine woke: time in which no server listened does not count.
 */
export async function watchSilence(
  context: IngestContext,
  since: number,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  let listening = since
  for (;;) {
    try {
      const before = context.now()
      await pause(LOOK_EVERY_MS, undefined, { signal, ref: false })
      listening = listeningSince(listening, before, context.now())
      await noticeSilence(context, listening)
    } catch (error) {
      if (signal.aborted) return
      onError(error)
    }
  }
}

/** From when on silence counts after a pause from `before` to `now`, where it counted from `since`. */
export function listeningSince(since: number, before: number, now: number): number {
  return Math.abs(now - before - LOOK_EVERY_MS) > MAX_CLOCK_STEP_MS ? now : since
}

/**
 * Milliseconds of silence at `now`, counted from the last arrival but not from before `since`. An arrival in the future
 * was recorded while the clock was ahead, and is ignored: silence counts from `since`.
 */
export function silentFor(lastArrival: number, since: number, now: number): number {
  return now - (lastArrival > now ? since : Math.max(lastArrival, since))
}

/** One check: every running run that has been silent for much longer than its usual interval becomes stalled. */
export async function noticeSilence(context: IngestContext, since: number): Promise<void> {
  for (const run of await context.store.runs.running()) {
    const silent = silentFor(run.last_arrival, since, context.now())
    const isKnown = run.conditions.some(({ kind, finding }) => kind === 'stalled' && finding !== null)
    if (silent >= MIN_SILENCE_MS && !isKnown) await judgeSilence(context, run, silent / 1000)
  }
}

async function judgeSilence(
  context: IngestContext,
  { id, last_arrival }: ListedRun,
  seconds: number,
): Promise<void> {
  const { runs, store, hub, now } = context
  const alone = () => true
  await runs.use(id, alone, async (active) => {
    const run = await store.runs.get(id)
    if (run.last_arrival !== last_arrival || run.status !== 'running' || active.stale) return
    const outcome: Outcome = { changes: [], findings: [] }
    active.silence(seconds, now(), outcome)
    if (outcome.changes.length === 0) return
    const judged = await store.findings.record(id, active.judged(outcome.changes))
    tellFindings(context, outcome.findings, judged.project)
    hub.run(judged, true)
  })
}
