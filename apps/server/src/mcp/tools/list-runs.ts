import { HEALTHS, RUN_STATUSES, type ListedRun, type RunList } from '@normwatch/protocol'
import { bounded } from '../bounded.ts'
import { limit, type Query, type Tool } from './tool.ts'

const USUAL = 20

export const listRuns: Tool = {
  name: 'list_runs',
  title: 'List training runs',
  description:
    'Training runs, those that need attention first: status, health, newest step, norm and loss, share of clipped steps.',
  properties: {
    project: { type: 'string', minLength: 1, maxLength: 128 },
    status: { enum: RUN_STATUSES },
    health: { enum: HEALTHS },
    search: {
      type: 'string',
      maxLength: 128,
      description: 'Text that the id, name, project or a tag contains.',
    },
    limit: limit(50, USUAL),
  },
  async answer(ask, { search, ...filters }) {
    const query = { limit: USUAL, q: search, ...filters } as Query
    const { runs, next_cursor } = await ask<RunList>('/runs', query)
    const { kept, leftOut } = bounded(runs.map(brief), 40_000)
    return { runs: kept, more: next_cursor !== null || leftOut > 0 }
  },
}

/** The fields of a run that show whether it needs attention. */
function brief({
  id,
  project,
  name,
  status,
  health,
  clip,
  last_step,
  latest,
  clipping,
  conditions,
}: ListedRun) {
  const { grad_norm, loss, lr } = latest
  return {
    ...{ id, project, name, status, health, clip, last_step },
    latest: { grad_norm, loss, lr },
    clip_rate: clipping.rate,
    conditions: conditions.slice(0, 10).map(({ kind, part }) => (part === null ? kind : `${kind} (${part})`)),
  }
}
