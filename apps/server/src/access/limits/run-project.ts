import type { FastifyRequest } from 'fastify'
import { RunNotFound, type RunStore } from '../../storage/store.ts'

/** The project of a run; `undefined`: there is no such run. */
export async function projectOf(runs: RunStore, id: string): Promise<string | undefined> {
  try {
    return (await runs.get(id)).project
  } catch (error) {
    if (error instanceof RunNotFound) return undefined
    throw error
  }
}

/** The project that gets a run more by this request, which creates a run or moves it; `undefined`: none does. */
export async function growingProject(
  { params, body }: Pick<FastifyRequest, 'params' | 'body'>,
  runs: RunStore,
): Promise<string | undefined> {
  const fields = (body ?? {}) as { id?: string; project?: string }
  const id = (params as { id?: string }).id ?? fields.id
  const present = id === undefined ? undefined : await projectOf(runs, id)
  const project = fields.project ?? present ?? 'default'
  return project === present ? undefined : project
}
