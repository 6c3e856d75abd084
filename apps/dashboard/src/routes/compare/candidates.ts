import type { Run } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { NO_FILTERS, queryOf, type Filters } from '#lib/state/filters.ts'

/** The most runs offered at once: a search finds the others. */
const OFFERED = 50

/** Runs to compare these with: those that match the text; without one, those of the first one's project, else any. */
export async function candidates(
  api: Pick<Api, 'run' | 'listRuns'>,
  ids: readonly string[],
  text: string,
  signal: AbortSignal,
): Promise<Run[]> {
  const [first] = ids
  if (text === '' && first !== undefined) {
    const { project } = await api.run(first)
    const siblings = await others({ ...NO_FILTERS, project })
    if (siblings.length > 0) return siblings
  }
  return others({ ...NO_FILTERS, q: text })

  async function others(filters: Filters): Promise<Run[]> {
    const query = queryOf(filters)
    query.set('limit', String(OFFERED))
    const { runs } = await api.listRuns(query, signal)
    return runs.filter(({ id }) => !ids.includes(id))
  }
}
