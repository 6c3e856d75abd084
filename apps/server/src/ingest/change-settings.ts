import { randomUUID } from 'node:crypto'
import { defaultSettings } from '@normwatch/detector'
import type { Overrides } from '../storage/settings-store.ts'
import { RunNotFound } from '../storage/store.ts'
import { freshRun, noteEdit } from './change-run.ts'
import type { IngestContext } from './active-runs.ts'
import { claimed, CLAIM_MS } from './claimed.ts'
import { judgeAgain } from './judge-again.ts'
import { checked, settingsWith } from './run-settings.ts'

const RUNS_A_PAGE = 200
const alone = () => true

/** Names the chore of judging a project's runs by a change of its settings: this, an id of the change, the project. */
const JUDGE_PROJECT = 'judge again the project '
const ID = 36

/** The project whose runs are judged again under this claim, if it is one. */
export const projectOf = (chore: string): string | undefined =>
  chore.startsWith(JUDGE_PROJECT) ? chore.slice(JUDGE_PROJECT.length + ID + 1) : undefined

/**
 * Replaces a run's own settings. Resolves when its record is judged by the new settings. Throws
 * `SettingsRefused`, `RunNotFound`.
 */
export async function changeRunSettings(context: IngestContext, id: string, body: unknown): Promise<void> {
  const { store, runs } = context
  const { project } = await store.runs.get(id)
  await settingsWith(store, project, body)
  await runs.use(id, alone, async (active) => {
    await store.settings.put({ run: id }, body as Overrides)
    await noteEdit(context, active, await store.runs.get(id), active.version)
  })
  await freshRun(context, id)
}

/**
 * Replaces a project's settings. Resolves when they are stored, with a promise for the re-evaluation of the runs'
 * records, one after the other; a run is judged by them at the latest when it is next used.
 * Throws `SettingsRefused`.
 */
export async function changeProjectSettings(
  context: IngestContext,
  project: string,
  body: unknown,
): Promise<{ readonly judged: Promise<void> }> {
  checked(body, defaultSettings)
  const { settings, chores } = context.store
  const chore = `${JUDGE_PROJECT}${randomUUID()} ${project}`
  // first, so that another server goes on where this one dies, from here on
  await chores.claim(chore, CLAIM_MS)
  await settings.put({ project }, body as Overrides)
  const judged = claimed(chores, chore, () => judgeProject(context, project))
  return { judged: judged.then(() => undefined) }
}

/** Judges all runs of a project by its settings. Rejects when the service stops. */
export async function judgeProject(context: IngestContext, project: string): Promise<void> {
  const { store, runs, stopping } = context
  let cursor: string | null = null
  do {
    const query = { project, sort: 'created', limit: RUNS_A_PAGE, cursor: cursor ?? undefined } as const
    const page = await store.runs.list(query)
    for (const { id } of page.runs) {
      stopping.throwIfAborted()
      try {
        await runs.use(id, alone, async (active) => {
          await noteEdit(context, active, await store.runs.get(id), active.version)
          active.markStale()
        })
        await judgeAgain(context, await runs.get(id))
      } catch (error) {
        // removed meanwhile
        if (!(error instanceof RunNotFound)) throw error
      }
    }
    cursor = page.next_cursor
  } while (cursor !== null)
}
