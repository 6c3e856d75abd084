import { setTimeout as pause } from 'node:timers/promises'
import type { IngestContext } from './context.ts'

/** Milliseconds between two looks. */
const EVERY = 600_000
const DAY = 86_400_000
/** Runs removed in one go, so that others are served in between. */
const AT_ONCE = 50

/** Removes, now and every ten minutes until `signal` aborts, the runs that have been silent for `days`. */
export async function keepFor(
  context: IngestContext,
  days: number,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  for (;;) {
    try {
      await removeSilent(context, context.now() - days * DAY)
    } catch (error) {
      onError(error)
    }
    try {
      await pause(EVERY, undefined, { signal, ref: false })
    } catch {
      return
    }
  }
}

/** Removes every run to which nothing has come since `before` (milliseconds since 1970); their readers are told. */
export async function removeSilent({ store, hub }: IngestContext, before: number): Promise<void> {
  for (const project of await store.runs.projects()) {
    let removed: string[]
    do {
      removed = await store.runs.expire({ before, project, limit: AT_ONCE })
      for (const id of removed) hub.deleted({ id, project })
    } while (removed.length === AT_ONCE)
  }
}
