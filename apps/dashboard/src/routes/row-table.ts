import type { Run } from '@normwatch/protocol'
import { matches, rank, type Filters } from '#lib/state/filters.ts'

/** What became of a run; `undefined`: it was deleted. */
export type RowChange = readonly [id: string, run: Run | undefined]

/** The rows of the runs page and their order. A change makes a new table; this one stays as it is. */
export class RowTable {
  static readonly empty = new RowTable(new Map(), [], new Map())
  readonly rows: readonly Run[]
  readonly #runs: ReadonlyMap<string, Run>
  readonly #order: readonly string[]
  /** The rank each run had when the order was made. */
  readonly #ranks: ReadonlyMap<string, number>

  private constructor(
    runs: ReadonlyMap<string, Run>,
    order: readonly string[],
    ranks: ReadonlyMap<string, number>,
  ) {
    this.#runs = runs
    this.#order = order
    this.#ranks = ranks
    this.rows = order.flatMap((id) => runs.get(id) ?? [])
  }

  /** With a page of rows after these, in the server's order. */
  followedBy(page: readonly Run[]): RowTable {
    const runs = new Map([...this.#runs, ...page.map((run) => [run.id, run] as const)])
    const order = [...new Set([...this.#order, ...page.map(({ id }) => id)])]
    return new RowTable(runs, order, ranksOf(runs))
  }

  /** With the runs of a page alone: those that were here keep their places, new ones wait for one. */
  replacedBy(page: readonly Run[]): RowTable {
    return new RowTable(new Map(page.map((run) => [run.id, run])), this.#order, this.#ranks)
  }

  /** With changed runs in their places and new ones that pass the filters waiting for a place. */
  updated(changes: readonly RowChange[], filters: Filters): RowTable {
    const runs = new Map(this.#runs)
    for (const [id, run] of changes) {
      if (run !== undefined && (runs.has(id) || matches(run, filters))) runs.set(id, run)
      else runs.delete(id)
    }
    return new RowTable(runs, this.#order, this.#ranks)
  }

  /**
   * In order again: by rank, and within a rank as before, so that a row moves only when its judgement does. A run that is
   * new to its rank comes first in it; one that no longer passes the filters leaves.
   */
  arranged(filters: Filters): RowTable {
    const runs = new Map([...this.#runs].filter(([, run]) => matches(run, filters)))
    const kept = this.#order.filter((id) => runs.has(id))
    const known = new Set(kept)
    const arrived = [...runs.values()].filter(({ id }) => !known.has(id)).sort(newestFirst)
    const ranks = ranksOf(runs)
    const hasMoved = (id: string) => this.#ranks.get(id) !== ranks.get(id)
    const order = [
      ...arrived.map(({ id }) => id),
      ...kept.filter(hasMoved),
      ...kept.filter((id) => !hasMoved(id)),
    ]
    order.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0))
    return new RowTable(runs, order, ranks)
  }
}

function ranksOf(runs: ReadonlyMap<string, Run>): Map<string, number> {
  return new Map([...runs].map(([id, run]) => [id, rank(run)]))
}

function newestFirst(a: Run, b: Run): number {
  return b.created_at.localeCompare(a.created_at)
}
