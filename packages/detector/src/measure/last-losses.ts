import type { InSlices } from './in-slices.ts'
import { valueAtRank } from './value-at-rank.ts'

const LAST_SHARE = 0.05
/** Losses held in one array. */
const CHUNK = 2 ** 14

/** How many of so many losses are the last ones: 5 %, at least one. */
export const lastOf = (count: number): number => Math.max(1, Math.round(count * LAST_SHARE))

/** The last of the losses that were added, and no more than an array of earlier ones. */
export class LastLosses {
  readonly #lastCount: (count: number) => number
  /** All but the last are full. */
  #chunks: Float64Array[] = []
  /** Losses dropped from the front, a whole number of arrays. */
  #dropped = 0
  #count = 0

  /** Without a number of them: the last 5 %. */
  constructor(last?: number) {
    this.#lastCount = last === undefined ? lastOf : (count) => Math.min(last, count)
  }

  /** Adds those that are finite. */
  add(losses: Float32Array | Float64Array): void {
    let chunk = this.#chunks.at(-1)
    let at = this.#count % CHUNK
    for (let i = 0; i < losses.length; i++) {
      const loss = losses[i] as number
      if (!Number.isFinite(loss)) continue
      if (chunk === undefined || at === 0) chunk = this.#startChunk()
      chunk[at] = loss
      this.#count++
      at = at === CHUNK - 1 ? 0 : at + 1
    }
  }

  #startChunk(): Float64Array {
    const unused = Math.floor((this.#count - this.#lastCount(this.#count) - this.#dropped) / CHUNK)
    if (unused > 0) this.#chunks = this.#chunks.slice(unused)
    this.#dropped += Math.max(0, unused) * CHUNK
    const chunk = new Float64Array(CHUNK)
    this.#chunks.push(chunk)
    return chunk
  }

  /** Their median; `null` without a loss. */
  *median(): InSlices<number | null> {
    if (this.#count === 0) return null
    const last = new Float64Array(this.#lastCount(this.#count))
    const first = this.#count - last.length
    for (const [i, chunk] of this.#chunks.entries()) {
      const start = this.#dropped + i * CHUNK
      const some = chunk.subarray(Math.max(0, first - start), this.#count - start)
      last.set(some, Math.max(0, start - first))
      yield
    }
    const middle = last.length >> 1
    const high = yield* valueAtRank(last, middle)
    if (last.length % 2 === 1) return high
    // those before it are not more
    let low = -Infinity
    for (let i = 0; i < middle; i++) {
      if ((last[i] as number) > low) low = last[i] as number
      if (i % CHUNK === 0) yield
    }
    return (low + high) / 2
  }
}
