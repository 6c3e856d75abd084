import { StoreUnavailable } from '../store.ts'
import type { Database, Prepared, Statements } from './database.ts'
import { isLockTimeout } from './errors.ts'
import type { Places } from './places.ts'
import { parametersOf, type StoringFunction, type UnitValues } from './unit-values.ts'

/** Groups of one place under way at the same time: what arrives meanwhile makes the next ones. */
const LANES = 3
/** Units of one group, and bytes of their blobs, above which a unit is a group of its own. */
const MAX_UNITS = 32
const MAX_BYTES = 256 * 1024

interface Waiting {
  readonly values: UnitValues
  readonly resolve: (isStored: boolean) => void
  readonly reject: (error: unknown) => void
}

interface Queue {
  readonly waiting: Waiting[]
  underWay: number
}

/**
 * Stores units of different runs that wait at the same moment in one statement, hence one transaction: a commit and a round
 * trip cost about as much as the work of several units. All runs of a group have their rows in one place.
 */
export class UnitGroups {
  readonly #db: Database
  readonly #places: Places
  readonly #queues = new Map<number, Queue>()

  constructor(db: Database, places: Places) {
    this.#db = db
    this.#places = places
  }

  /** Whether the unit was stored; if not, the run has another version. */
  async write(values: UnitValues): Promise<boolean> {
    if (values.bytes > MAX_BYTES) return storeUnit(this.#db, values)
    const place = await this.#places.of(values.run)
    const queue = this.#queues.get(place) ?? { waiting: [], underWay: 0 }
    this.#queues.set(place, queue)
    return new Promise((resolve, reject) => {
      queue.waiting.push({ values, resolve, reject })
      // what answers that have arrived by now make ready goes together
      if (queue.waiting.length === 1) setImmediate(() => this.#start(queue))
    })
  }

  #start(queue: Queue): void {
    while (queue.underWay < LANES && queue.waiting.length > 0) {
      queue.underWay++
      void this.#writeGroup(queue.waiting.splice(0, MAX_UNITS)).finally(() => {
        queue.underWay--
        this.#start(queue)
      })
    }
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    let stored: readonly boolean[]
    try {
      stored = await storeUnits(
        this.#db,
        this.#places.storing,
        group.map(({ values }) => values),
      )
    } catch (error) {
      if (error instanceof StoreUnavailable && !isLockTimeout(error)) {
        return group.forEach(({ reject }) => reject(error))
      }
      // nothing is stored. Each is tried on its own, so that one's failure is not that of the others; the next group does not wait for it
      for (const { values, resolve, reject } of group) void storeUnit(this.#db, values).then(resolve, reject)
      return
    }
    group.forEach(({ resolve }, i) => resolve(stored[i] === true))
  }
}

const STORE: Readonly<Record<StoringFunction, Prepared>> = {
  store_group: { name: 'store_group', sql: 'select store_group($1, $2, $3, $4) as stored' },
  store_units: { name: 'store_units', sql: 'select store_units($1, $2, $3, $4, $5) as stored' },
}

/** Stores one unit, and gives whether it was stored; if not, the run has another version. */
export const storeUnit = async (on: Statements, values: UnitValues): Promise<boolean> =>
  (await storeUnits(on, 'store_units', [values]))[0] === true

/** Stores units of several runs, all of them or none, and gives for each whether it was stored. */
async function storeUnits(
  on: Statements,
  storing: StoringFunction,
  units: readonly UnitValues[],
): Promise<boolean[]> {
  // whoever stores the same runs at this moment waits in the same order
  const ordered = units.toSorted((a, b) => (a.run < b.run ? -1 : 1))
  const result = await on.get<{ stored: boolean[] }>(STORE[storing], ...parametersOf(storing, ordered))
  const stored = new Map(ordered.map(({ run }, i) => [run, result?.stored[i] === true]))
  return units.map(({ run }) => stored.get(run) === true)
}
