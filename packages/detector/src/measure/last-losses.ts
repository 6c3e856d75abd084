import type { InSlices } from './in-slices.ts'
import { valueAtRank } from './value-at-rank.ts'

const LAST_SHARE = 0.05
/** Losses held in one array. */
const CHUNK = 2 ** 14

/** The last 5 % of the losses that were added, at least one, and no more than an array of earlier ones. */
export class LastLosses {
  /** All but the last are full. */
  #chunks: Float64Array[] = []
  /** Losses dropped from the front, a whole number of arrays. */
  #dropped = 0
  #count = 0

  push(loss: number): void {
    const at = this.#count % CHUNK
    if (at === 0) this.#startChunk()
    ;(this.#chunks.at(-1) as Float64Array)[at] = loss
    this.#count++
  }

  #startChunk(): void {
    const unused = Math.floor((this.#count - this.#lastCount - this.#dropped) / CHUNK)
    if (unused > 0) this.#chunks = this.#chunks.slice(unused)
    this.#dropped += Math.max(0, unused) * CHUNK
    this.#chunks.push(new Float64Array(CHUNK))
  }

  get #lastCount(): number {
    return Math.max(1, Math.round(this.#count * LAST_SHARE))
  }

  /** Their median; `null` without a loss. */
  *median(): InSlices<number | null> {
    if (this.#count === 0) return null
    const last = new Float64Array(this.#lastCount)
    const first = this.#count - last.length
    this.#chunks.forEach((chunk, i) => {
      const start = this.#dropped + i * CHUNK
      const some = chunk.subarray(Math.max(0, first - start), this.#count - start)
      last.set(some, Math.max(0, start - first))
    })
    const high = yield* valueAtRank(last, last.length >> 1)
    if (last.length % 2 === 1) return high
    return ((yield* valueAtRank(last, (last.length >> 1) - 1)) + high) / 2
  }
}
