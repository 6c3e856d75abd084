import type { Database } from './database.ts'
import type { StoringFunction } from './unit-values.ts'

/** Where the rows of a run are: the number of a shard. */
export interface Places {
  of(run: string): number | Promise<number>
  /** Stores units of one place. */
  readonly storing: StoringFunction
}

/** One database holds everything. */
export const ONE_PLACE: Places = { of: () => 0, storing: 'store_group' }

/** For how long, in milliseconds, and of how many runs a shard is kept. Where one was split, units of a group may only be stored more slowly. */
const KEPT_MS = 10 * 60_000
const MAX_RUNS = 20_000

/** The shards of a Citus cluster. */
export class Shards implements Places {
  readonly storing = 'store_units'
  readonly #db: Database
  #known = new Map<string, Promise<number>>()
  #since = performance.now()

  constructor(db: Database) {
    this.#db = db
  }

  of(run: string): Promise<number> {
    if (this.#known.size >= MAX_RUNS || performance.now() - this.#since > KEPT_MS) {
      this.#known = new Map()
      this.#since = performance.now()
    }
    const known = this.#known
    let place = known.get(run)
    if (place === undefined) {
      place = this.#find(run)
      known.set(run, place)
      place.catch(() => known.delete(run))
    }
    return place
  }

  async #find(run: string): Promise<number> {
    const found = await this.#db.get<{ shard: number }>(
      `select get_shard_id_for_distribution_column('runs', ?::text)::float8 as shard`,
      run,
    )
    return found?.shard ?? 0
  }
}
