import { setTimeout as pause } from 'node:timers/promises'
import { RunNotFound } from '../storage/store.ts'
import type { IngestContext } from './active-runs.ts'
import { claimed } from './claimed.ts'
import { patchRun } from './change-run.ts'

/** Days after its last point at which a run is removed; 0: never. */
export interface Retention {
  /** Of all other projects. */
  readonly days: number
  readonly projects: ReadonlyMap<string, number>
}

/** Milliseconds between two checks. */
const LOOK_EVERY_MS = 600_000
const DAY = 86_400_000
/** Runs removed in one go, so that others are served in between. */
const RUNS_A_BATCH = 50

/** Removes, now and every ten minutes until `signal` aborts, the runs that have been silent for too long. */
export async function keepFor(
  context: IngestContext,
  retention: Retention,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  for (;;) {
    try {
      await claimed(context.store.chores, 'remove silent runs', () => removeSilent(context, retention))
    } catch (error) {
      onError(error)
    }
    try {
      await pause(LOOK_EVERY_MS, undefined, { signal, ref: false })
    } catch {
      return
    }
  }
}

/**
 * Removes every run that has been silent for longer than its project allows; their readers are told. Silence of a run
 * whose last points were noted by a clock that was ahead counts from now.
 */
export async function removeSilent(context: IngestContext, { days, projects }: Retention): Promise<void> {
  const { store, hub, runs, now, stopping } = context
  for (const id of await store.runs.arrivedAfter(now())) {
    await patchRun(context, id, {}).catch((error: unknown) => {
      // removed meanwhile
      if (!(error instanceof RunNotFound)) throw error
    })
  }
  for (const project of await store.runs.projects()) {
    const allowed = projects.get(project) ?? days
    if (allowed === 0) continue
    const before = now() - allowed * DAY
    let removed: string[]
    do {
      removed = await store.runs.expire({ before, project, limit: RUNS_A_BATCH })
      for (const id of removed) {
        runs.forget(id)
        hub.deleted({ id, project })
      }
    } while (removed.length === RUNS_A_BATCH && !stopping.aborted)
  }
}
