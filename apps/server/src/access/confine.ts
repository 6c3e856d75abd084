import { isAmong, onlyProject } from '@normwatch/protocol'
import type { FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'
import { RunNotFound, type RunStore } from '../storage/store.ts'
import type { Caller } from './identity/caller.ts'
import { refuseProject } from './may.ts'
import type { ProjectSource } from './route-rules.ts'

/** The project of a run that names none. */
const DEFAULT_PROJECT = 'default'

/**
 * Refuses a request that names a project, or a run of a project, in which the caller may not do what it asks. A new run
 * without a project gets one where the caller may create it. Lists are filtered by the routes, with `request.reach`.
 * Runs after validation. Throws `RunNotFound` for a run that must be there.
 */
export async function confine(
  request: FastifyRequest,
  caller: Caller,
  source: ProjectSource,
  runs: RunStore,
): Promise<void> {
  const { reach } = request
  if (reach === 'all') return
  const params = request.params as { id?: string; project?: string }
  const query = request.query as { run?: string | string[]; project?: string }
  const body = request.body as { id?: string; project?: string } | undefined
  const check = (project: string | undefined) => refuseProject(caller, reach, project)
  switch (source) {
    case 'run':
      check((await runs.get(params.id as string)).project)
      return check(body?.project)
    case 'new-run': {
      const present = await projectOf(params.id ?? body?.id, runs)
      check(present)
      check(body?.project)
      if (body !== undefined && present === undefined) body.project ??= homeIn(reach)
      return
    }
    case 'asked':
      return check(query.project)
    case 'asked-any':
      check(query.project)
      for (const run of [query.run ?? []].flat()) check(await projectOf(run, runs))
      return
    case 'asked-runs':
      for (const run of [query.run ?? []].flat()) check((await runs.get(run)).project)
      return
    case 'named':
      return check(params.project)
    // 'all' was refused before the body was read; the routes themselves check the others.
  }
}

/** Where a new run goes that names no project: to the only project there is for this caller, else to `default`. */
function homeIn(reach: readonly string[]): string {
  const only = onlyProject(reach)
  if (only !== null) return only
  if (isAmong(reach, DEFAULT_PROJECT)) return DEFAULT_PROJECT
  throw new Refusal('project_forbidden', 'Name the project of the run: this token is limited to several.')
}

/** The project of a run; `undefined` where it is not there. */
async function projectOf(id: string | undefined, runs: RunStore): Promise<string | undefined> {
  if (id === undefined) return undefined
  try {
    return (await runs.get(id)).project
  } catch (error) {
    if (error instanceof RunNotFound) return undefined
    throw error
  }
}
