import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { IngestContext } from './active-runs.ts'
import { judgeProject, projectOf } from './change-settings.ts'
import { claimed, CLAIM_MS } from './claimed.ts'
import { EXPLAIN } from './explainer.ts'
import { judgeEnded, judgeInterrupted, runOf } from './judge-again.ts'

const LOOK_EVERY_MS = 5_000
const SERVER = 'be the server '

/**
 * Where other servers use the data too: does, until the service stops, what those left undone that died or stopped. Each
 * server holds a claim while it lives; the first that finds it run out goes through what such a server may have
 * interrupted. Resolves when nothing of this is under way.
 */
export async function takeOver(context: IngestContext, onError: (error: unknown) => void): Promise<void> {
  const { store, explainer, stopping } = context
  const { chores } = store
  const own = SERVER + randomUUID()
  let finishing: Promise<void> | undefined
  while (chores.isShared && !stopping.aborted) {
    try {
      await chores.claim(own, CLAIM_MS)
      finishing ??= finishAbandoned(context)
        .catch((error: unknown) => stopping.aborted || onError(error))
        .then(() => (finishing = undefined))
      explainer.wake()
    } catch (error) {
      onError(error)
    }
    await pause(LOOK_EVERY_MS, undefined, { signal: stopping, ref: false }).catch(() => undefined)
  }
  await finishing
}

/** The chores that are not named here are claimed by the server that does them next. */
async function finishAbandoned(context: IngestContext): Promise<void> {
  const { chores } = context.store
  for (const chore of await chores.abandoned()) {
    const [project, run] = [projectOf(chore), runOf(chore)]
    if (project !== undefined) await claimed(chores, chore, () => judgeProject(context, project))
    else if (run !== undefined) await claimed(chores, chore, () => judgeEnded(context, run))
    // the explainer looks for what is left without this
    else if (chore.startsWith(EXPLAIN)) await claimed(chores, chore, () => Promise.resolve())
    else if (chore.startsWith(SERVER)) await claimed(chores, chore, () => judgeInterrupted(context))
  }
}
