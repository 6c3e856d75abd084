import { setTimeout as wait } from 'node:timers/promises'
import { pauses } from '../in-slices.ts'
import { runningRuns } from '../storage/running-runs.ts'
import { RunNotFound, VersionConflict, type RunningRun } from '../storage/store.ts'
import type { Outcome } from './active-run.ts'
import type { IngestContext } from './active-runs.ts'
import { CLAIM_MS } from './claimed.ts'
import { tellFindings } from './tell-findings.ts'

/** Milliseconds between two checks of the running runs. */
const LOOK_EVERY_MS = 5_000
/** No run stalls sooner (milliseconds); settings and its usual interval mostly require longer. */
const MIN_SILENCE_MS = LOOK_EVERY_MS

/** A pause that took this much longer or shorter (milliseconds): the machine slept, or its clock was set. */
const MAX_CLOCK_STEP_MS = 15_000

/**
 * Checks the running runs regularly until `signal` aborts. Silence counts from the last arrival of points, but not
 * from before `since` or before the machine woke: time in which this server did not listen does not count. Of several
 * servers one does it.
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
      await wait(LOOK_EVERY_MS, undefined, { signal, ref: false })
      listening = listeningSince(listening, before, context.now())
      if (await context.store.chores.claim('notice silence', CLAIM_MS))
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
  const pause = pauses()
  for await (const page of runningRuns(context.store.runs)) {
    for (const run of page) {
      const silent = silentFor(run.last_arrival, since, context.now())
      const isKnown = run.conditions.some(({ kind, finding }) => kind === 'stalled' && finding !== null)
      if (context.stopping.aborted) return
      if (silent < MIN_SILENCE_MS || isKnown) continue
      // thousands may be silent, after a restart for instance
      await pause()
      try {
        await judgeSilence(context, run, silent / 1000)
      } catch (error) {
        // removed meanwhile
        if (!(error instanceof RunNotFound)) throw error
      }
    }
  }
}

async function judgeSilence(
  context: IngestContext,
  { id, last_arrival }: RunningRun,
  seconds: number,
): Promise<void> {
  const { runs, store, hub, now } = context
  const alone = () => true
  await runs.use(id, alone, async (active) => {
    const run = await store.runs.get(id)
    if (run.last_arrival !== last_arrival || run.status !== 'running' || active.stale) return
    // another server has judged it since: only a fresh copy says whether it is known to be silent
    if (run.version !== active.version) throw new VersionConflict(id, active.version, run.version)
    const outcome: Outcome = { changes: [], findings: [] }
    active.silence(seconds, now(), outcome)
    if (outcome.changes.length === 0) return
    const judged = await store.findings.record(id, active.judged(outcome.changes))
    tellFindings(context, outcome.findings, judged.project)
    hub.run(judged, true)
  })
}
