import type { Database } from './database.ts'
import { callOfShards } from './store-in-shards.ts'
import { storeUnits, type UnitValues } from './unit-values.ts'

/** Where the rows of runs are. Units of one place are stored together. */
export interface Places {
  of(run: string): number | Promise<number>
  /** Stores units of several runs of one place, and gives for each whether it was stored; null: it must be stored by itself. */
  store(units: readonly UnitValues[]): Promise<readonly (boolean | null)[]>
}

/** One database holds everything. */
export const onePlace = (db: Database): Places => ({
  of: () => 0,
  store: (units) => storeUnits(db, 'store_group', units),
})

/** For how long, in milliseconds, and of how many runs a shard is kept. Where one was moved, units may only be stored more slowly. */
const KEPT_MS = 10 * 60_000
const MAX_RUNS = 20_000

interface Found {
  readonly shard: number
  readonly node: number
}

/** The shards of a Citus cluster, and the nodes that they are on. */
export class Shards implements Places {
  readonly #db: Database
  #known = new Map<string, Promise<Found>>()
  #since = performance.now()

  constructor(db: Database) {
    this.#db = db
  }

  async of(run: string): Promise<number> {
    return (await this.#locate(run)).node
  }

  async store(units: readonly UnitValues[]): Promise<readonly (boolean | null)[]> {
    const shards = await Promise.all(units.map(async ({ run }) => (await this.#locate(run)).shard))
    const ordered = units
      .map((values, i) => ({ values, shard: shards[i] as number, i }))
      // whoever stores the same runs at this moment waits in the same order
      .toSorted((a, b) => a.shard - b.shard || (a.values.run < b.values.run ? -1 : 1))
    const { p_stored: stored } = await this.#db.call<{ p_stored: (boolean | null)[] }>(callOfShards(ordered))
    const results = units.map((): boolean | null => null)
    ordered.forEach(({ i, values }, at) => {
      results[i] = stored[at] ?? null
      // its shard may have been moved
      if (results[i] === null) this.#known.delete(values.run)
    })
    return results
  }

  #locate(run: string): Promise<Found> {
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

  async #find(run: string): Promise<Found> {
    const found = await this.#db.get<Found>(
      `select shard, (select min(groupid) from pg_dist_placement where shardid = shard) as node
       from get_shard_id_for_distribution_column('runs', ?::text) as shard`,
      run,
    )
    return found ?? { shard: 0, node: 0 }
  }
}
