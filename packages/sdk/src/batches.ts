import { textOf } from './error-text.ts'
import { MAX_TEXT_LENGTH } from './events.ts'
import type { BatchName } from './types.ts'

/** How many recent norms a new one is compared with, and how many are needed before comparing. */
const WINDOW = 128
const MIN_NORMS = 16
/** A norm is suspicious above this multiple of the median of the recent norms. */
const SUSPICIOUS = 3
/** The batches of this many steps before and after a suspicious step are sent too. */
const AROUND = 2
/** The most ids of a batch that are looked at. Its text has at most 2,048 characters. */
const MAX_IDS = 65_536
/** The most batches reported per run: once training has diverged, every step is suspicious. */
const MAX_TOLD = 1_000

/**
 * Remembers the batches of recent steps and reports those of suspicious steps. A step is suspicious if its norm is not finite
 * or is above three times the median of the last 128 norms. The two steps before and after it are reported too. Each part is
 * compared with its own norms only.
 */
export class Batches {
  readonly #tell: (step: number, text: string) => void
  readonly #last: { readonly step: number; readonly name: BatchName }[] = []
  readonly #norms = new Map<string | undefined, RecentNorms>()
  #tellUntil = -1
  #told = 0
  /** Whether the run names batches. If not, norms need no checking here. */
  isUsed = false

  /** `tell` is called with the step of a batch and its name. */
  constructor(tell: (step: number, text: string) => void) {
    this.#tell = tell
  }

  /** The batch of a step. */
  add(step: number, name: BatchName): void {
    this.isUsed = true
    if (step <= this.#tellUntil && step >= this.#tellUntil - 2 * AROUND) return this.#tellOne(step, name)
    this.#last.push({ step, name: snapshotOf(name) })
    if (this.#last.length > AROUND + 1) this.#last.shift()
  }

  /** Checks the norm of a step, of the run (`part` is `undefined`) or of one of its parts. */
  look(step: number, norm: number, part: string | undefined): void {
    let norms = this.#norms.get(part)
    if (norms === undefined) this.#norms.set(part, (norms = new RecentNorms()))
    if (norms.isSuspicious(norm)) {
      this.#tellUntil = step + AROUND
      for (const batch of this.#last.splice(0)) {
        if (batch.step >= step - AROUND) this.#tellOne(batch.step, batch.name)
      }
    }
    norms.add(norm)
  }

  #tellOne(step: number, name: BatchName): void {
    if (this.#told++ < MAX_TOLD) this.#tell(step, describe(name))
  }
}

/** The most recent norms, kept sorted so that the median is a look-up. */
class RecentNorms {
  readonly #bySize: number[] = []
  readonly #byAge: number[] = []

  isSuspicious(norm: number): boolean {
    if (!Number.isFinite(norm)) return true
    const count = this.#bySize.length
    if (count < MIN_NORMS) return false
    const middle = count >> 1
    const above = this.#bySize[middle] as number
    const median = count % 2 === 1 ? above : (above + (this.#bySize[middle - 1] as number)) / 2
    return norm > SUSPICIOUS * median
  }

  add(norm: number): void {
    if (!Number.isFinite(norm)) return
    this.#byAge.push(norm)
    this.#bySize.splice(this.#placeOf(norm), 0, norm)
    if (this.#byAge.length <= WINDOW) return
    this.#bySize.splice(this.#placeOf(this.#byAge.shift() as number), 1)
  }

  /** The index of a norm in the sorted list, or where to insert it. */
  #placeOf(norm: number): number {
    let [from, to] = [0, this.#bySize.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#bySize[middle] as number) < norm) from = middle + 1
      else to = middle
    }
    return from
  }
}

/** A batch that does not change when the program fills the same list with the ids of the next one. */
function snapshotOf(name: BatchName): BatchName {
  return typeof name === 'object' ? firstIds(name) : name
}

/** The first ids of a list, and one more if there are more. */
function firstIds(ids: ArrayLike<unknown>): (string | number)[] {
  return Array.prototype.slice.call(ids, 0, MAX_IDS + 1) as (string | number)[]
}

/** Ids as text, with consecutive numbers as a range: `7–10, 12`. At most 2,048 characters. Never throws. */
export function describe(name: BatchName): string {
  let text: string
  try {
    const ids: unknown = typeof name === 'function' ? name() : name
    const isList = typeof ids === 'object' && ids !== null && 'length' in ids
    text = isList ? listed(firstIds(ids as ArrayLike<unknown>)) : String(ids)
  } catch (error) {
    text = `unreadable: ${textOf(error)}`
  }
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH - 1)}…`
}

function listed(ids: readonly unknown[]): string {
  return [...ranges(ids.slice(0, MAX_IDS)), ...(ids.length > MAX_IDS ? ['…'] : [])].join(', ')
}

function ranges(ids: readonly unknown[]): string[] {
  const found: [first: unknown, last: unknown][] = []
  for (const id of ids) {
    const newest = found.at(-1)
    if (newest !== undefined && Number.isInteger(id) && id === (newest[1] as number) + 1) newest[1] = id
    else found.push([id, id])
  }
  return found.map(([first, last]) => (first === last ? String(first) : `${String(first)}–${String(last)}`))
}
