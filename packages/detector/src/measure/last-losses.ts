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

  /** Adds those that are finite. */
  add(losses: Float32Array | Float64Array): void {
    let chunk = this.#chunks.at(-1)
    for (let i = 0; i < losses.length; i++) {
      const loss = losses[i] as number
      if (!Number.isFinite(loss)) continue
      const at = this.#count % CHUNK
      if (chunk === undefined || at === 0) chunk = this.#startChunk()
      chunk[at] = loss
      this.#count++
    }
  }

  #startChunk(): Float64Array {
    const unused = Math.floor((this.#count - this.#lastCount - this.#dropped) / CHUNK)
    if (unused > 0) this.#chunks = this.#chunks.slice(unused)
    this.#dropped += Math.max(0, unused) * CHUNK
    const chunk = new Float64Array(CHUNK)
    this.#chunks.push(chunk)
    return chunk
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
