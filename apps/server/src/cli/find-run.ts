import type { Run, RunList } from '@normwatch/protocol'
import { Failure } from './failures.ts'
import type { Server } from './server.ts'

/** Runs with a beginning in common that are named before "and more". */
const NAMED = 5

/**
 * The run with this id, or the only one whose id begins so: tables show the beginning of a long id, with … at its end.
 * Throws a `Failure` where there is none, or more than one.
 */
export async function findRun(server: Server, given: string): Promise<Run> {
  const id = given.replace(/…$/, '')
  const missing = new Failure(`There is no run "${given}".`)
  // What cannot be an id would be another address.
  if (!/^[\w.-]+$/.test(id) || /^\.$|\.\./.test(id)) throw missing
  const run = await server.find<Run>(`/runs/${id}`)
  if (run !== undefined) return run
  const { runs, next_cursor } = await server.get<RunList>('/runs', { q: id, limit: 200 })
  const alike = runs.filter((one) => one.id.startsWith(id))
  if (alike.length > 1) {
    const more = alike.length > NAMED || next_cursor !== null ? ' and more' : ''
    const names = alike.slice(0, NAMED).map((one) => one.id)
    throw new Failure(`Several runs begin with "${id}": ${names.join(', ')}${more}.`)
  }
  const [only] = alike
  if (only === undefined) throw missing
  return server.get<Run>(`/runs/${only.id}`)
}
