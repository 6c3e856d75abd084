import { StoreUnavailable } from '../store.ts'
import type { Database } from './database.ts'
import { isLockTimeout } from './errors.ts'
import type { Places } from './places.ts'
import { storeUnit, type UnitValues } from './unit-values.ts'

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
 * Stores units of different runs that wait at the same moment in one call: a commit and a round trip cost about as much as the
 * work of several units. All runs of a group have their rows in one place.
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
    if (values.bytes > MAX_BYTES) {
      return new Promise((resolve, reject) => void this.#writeGroup([{ values, resolve, reject }]))
    }
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
    let stored: readonly (boolean | null)[]
    try {
      stored = await this.#places.store(group.map(({ values }) => values))
    } catch (error) {
      if (error instanceof StoreUnavailable && !isLockTimeout(error)) {
        return group.forEach(({ reject }) => reject(error))
      }
      stored = group.map(() => null)
    }
    group.forEach(({ values, resolve, reject }, i) => {
      const isStored = stored[i] ?? null
      if (isStored !== null) return resolve(isStored)
      // on its own, so that one's failure is not that of the others; the next group does not wait for it
      void storeUnit(this.#db, values).then(resolve, reject)
    })
  }
}
