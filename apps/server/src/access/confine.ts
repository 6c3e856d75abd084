import type { FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'
import { RunNotFound, type RunStore } from '../storage/store.ts'
import type { Caller } from './identity/caller.ts'
import { forbidden, mayTouch } from './may.ts'
import type { ProjectSource } from './route-rules.ts'

/**
 * Refuses a request for another project than the one the caller's token is limited to; a request that could name a
 * project and does not gets the token's. Runs after validation. Throws `RunNotFound` for a run that must be there.
 */
export async function confine(
  request: FastifyRequest,
  caller: Caller,
  source: ProjectSource,
  runs: RunStore,
): Promise<void> {
  const { project: only } = caller
  if (only === null) return
  const params = request.params as { id?: string; project?: string }
  const query = request.query as { run?: string | string[]; project?: string }
  const body = request.body as { id?: string; project?: string } | undefined
  switch (source) {
    case 'run':
      await checkRun(caller, params.id as string, runs)
      return check(caller, body?.project)
    case 'new-run': {
      const id = params.id ?? body?.id
      if (id !== undefined) await checkRun(caller, id, runs, 'may be missing')
      check(caller, body?.project)
      if (body !== undefined) body.project ??= only
      return
    }
    case 'asked':
      check(caller, query.project)
      query.project = only
      return
    case 'asked-runs': {
      const asked = [query.run ?? []].flat()
      if (asked.length === 0) {
        throw new Refusal(
          'project_forbidden',
          `Name a run of the project "${only}" with ?run=; this token is limited to it.`,
        )
      }
      for (const run of asked) await checkRun(caller, run, runs)
      return
    }
    case 'asked-any':
      check(caller, query.project)
      query.project = only
      for (const run of [query.run ?? []].flat()) await checkRun(caller, run, runs, 'may be missing')
      return
    case 'named':
      return check(caller, params.project)
    // 'all' was refused before the body was read; the routes themselves check the others.
  }
}

function check(caller: Caller, project: string | undefined): void {
  if (project !== undefined && !mayTouch(caller, project)) throw forbidden(caller)
}

async function checkRun(
  caller: Caller,
  id: string,
  runs: RunStore,
  absence?: 'may be missing',
): Promise<void> {
  try {
    const { project } = await runs.get(id)
    if (!mayTouch(caller, project)) throw forbidden(caller)
  } catch (error) {
    if (!(absence === 'may be missing' && error instanceof RunNotFound)) throw error
  }
}
