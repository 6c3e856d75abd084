import type { Run } from '@normwatch/protocol'
import { rank } from '#lib/state/filters.ts'

/**
 * The order of rows after runs have changed, arrived or gone: by rank, and within a rank as before, so that a row moves
 * only when its judgement does. A run that is new to its rank comes first in it. `shown` holds the rank each run had.
 */
export function reorder(
  order: readonly string[],
  shown: ReadonlyMap<string, number>,
  runs: ReadonlyMap<string, Run>,
): string[] {
  const kept = order.filter((id) => runs.has(id))
  const known = new Set(kept)
  const arrived = [...runs.values()].filter(({ id }) => !known.has(id)).sort(newestFirst)
  const moved = (id: string) => !shown.has(id) || shown.get(id) !== rank(runs.get(id) as Run)
  const rows = [...arrived.map(({ id }) => id), ...kept.filter(moved), ...kept.filter((id) => !moved(id))]
  return rows.sort((a, b) => rank(runs.get(a) as Run) - rank(runs.get(b) as Run))
}

function newestFirst(a: Run, b: Run): number {
  return b.created_at.localeCompare(a.created_at)
}
