import { clippedAbove } from '../record/clipped-step.ts'
import { has, type Column } from '../series/columns.ts'
import { GrowingColumn } from '../series/growing-column.ts'

/** What a cap does to the norms recorded. */
export interface CapEffect {
  readonly cap: number
  /** Share of the norms that the cap clips, exact. */
  readonly clip_rate: number
  /** Mean of min(1, cap / norm), exact up to rounding. */
  readonly mean_coefficient: number
}

/** Caps in a curve that nobody chose. */
const DEFAULT_CAPS = 64
/** The highest 18 bits of a float64 that is not negative (17 without the sign): buckets of 1/64 octave in ascending order. */
const BUCKETS = 1 << 17
const BUCKET_SHIFT = 14

/**
 * The finite norms of a run or a range of it, for the what-if: add them block by block, then ask. 8 bytes a norm are
 * held, as exact quantiles need them all, and their counts by bucket: only buckets with a rank or a bar in them are
 * looked into again.
 */
export class NormRecord {
  readonly #norms = new GrowingColumn()
  readonly #counts = new Uint32Array(BUCKETS)
  /** Sums of the inverses of the norms. */
  readonly #inverses = new Float64Array(BUCKETS)
  #lowest = Infinity
  #highest = 0

  /** Adds the finite norms of a block; the others are not part of any rate. */
  add(column: Column): void {
    const { values } = column
    const room = this.#norms.room(values.length)
    let count = 0
    for (let i = 0; i < values.length; i++) {
      const norm = values[i] as number
      if (!has(column, i) || !(norm >= 0 && norm < Infinity)) continue
      room[count++] = norm + 0 // -0 becomes 0, which stands in the first bucket
      if (norm < this.#lowest) this.#lowest = norm
      if (norm > this.#highest) this.#highest = norm
    }
    this.#norms.take(count)
    const words = wordsOf(room)
    for (let i = 0; i < count; i++) {
      const bucket = bucketOf(words, i)
      this.#counts[bucket] = (this.#counts[bucket] as number) + 1
      this.#inverses[bucket] = (this.#inverses[bucket] as number) + 1 / (room[i] as number)
    }
  }

  get count(): number {
    return this.#norms.length
  }

  /** The exact quantiles at `shares` in [0, 1], linear between ranks (as NumPy's default); `null` without a norm. */
  quantiles(shares: readonly number[]): (number | null)[] {
    if (this.count === 0) return shares.map(() => null)
    const ranks = shares.map((share) => share * (this.count - 1))
    const whole = new Set(ranks.flatMap((rank) => [Math.floor(rank), Math.ceil(rank)]))
    const valueAt = this.#valuesAt([...whole].sort((a, b) => a - b))
    return ranks.map((rank) => {
      const low = valueAt.get(Math.floor(rank)) as number
      const high = valueAt.get(Math.ceil(rank)) as number
      return low + (rank - Math.floor(rank)) * (high - low)
    })
  }

  /** What each cap would have done, in ascending order of the caps. Without caps: about 64 over the range seen, on a log scale. */
  curve(caps: readonly number[] = this.#capsOverRange()): CapEffect[] {
    const sorted = Float64Array.from(new Set(caps)).sort()
    const { counts, inverses } = this.#sumBetween(sorted.map(clippedAbove))
    const effects: CapEffect[] = []
    let clipped = 0
    let inverse = 0
    for (let i = sorted.length - 1; i >= 0; i--) {
      clipped += counts[i + 1] as number
      inverse += inverses[i + 1] as number
      const cap = sorted[i] as number
      const unclipped = this.count - clipped
      effects.push({
        cap,
        clip_rate: this.count === 0 ? 0 : clipped / this.count,
        mean_coefficient: this.count === 0 ? 1 : (unclipped + cap * inverse) / this.count,
      })
    }
    return effects.reverse()
  }

  /** For each gap between neighbouring bars: how many norms lie in it, and the sum of their inverses. */
  #sumBetween(bars: Float64Array): { counts: Uint32Array; inverses: Float64Array } {
    const counts = new Uint32Array(bars.length + 1)
    const inverses = new Float64Array(bars.length + 1)
    const put = (gap: number, count: number, inverse: number): void => {
      counts[gap] = (counts[gap] as number) + count
      inverses[gap] = (inverses[gap] as number) + inverse
    }
    const words = wordsOf(bars)
    const mixed: number[] = []
    const barsBelow: number[] = []
    for (let bucket = 0, below = 0; bucket < BUCKETS; bucket++) {
      while (below < bars.length && bucketOf(words, below) < bucket) below++
      const count = this.#counts[bucket] as number
      if (count === 0) continue
      if (below === bars.length || bucketOf(words, below) > bucket) {
        put(below, count, this.#inverses[bucket] as number)
      } else {
        mixed.push(bucket)
        barsBelow.push(below)
      }
    }
    this.#normsIn(mixed).forEach((norms, i) => {
      const first = barsBelow[i] as number
      for (const norm of norms) put(firstFrom(bars, norm, first), 1, 1 / norm)
    })
    // Of the norms at or below the lowest bar no inverse is asked for, and that of 0 is infinite.
    inverses[0] = 0
    return { counts, inverses }
  }

  /** The norms at these ranks (ascending): only the buckets that hold them are sorted. */
  #valuesAt(ranks: readonly number[]): Map<number, number> {
    const buckets: number[] = []
    const places: { rank: number; at: number; within: number }[] = []
    for (let bucket = 0, start = 0, next = 0; next < ranks.length; bucket++) {
      const end = start + (this.#counts[bucket] as number)
      if ((ranks[next] as number) < end) buckets.push(bucket)
      for (; next < ranks.length && (ranks[next] as number) < end; next++) {
        const rank = ranks[next] as number
        places.push({ rank, at: buckets.length - 1, within: rank - start })
      }
      start = end
    }
    const sorted = this.#normsIn(buckets).map((norms) => norms.sort())
    return new Map(places.map(({ rank, at, within }) => [rank, sorted[at]?.[within] as number]))
  }

  /** The norms in each of these buckets. */
  #normsIn(buckets: readonly number[]): Float64Array[] {
    // where[bucket] is the place of its norms in the answer, counted from 1; 0 for none.
    const where = new Uint32Array(BUCKETS)
    const found = buckets.map((bucket, i) => {
      where[bucket] = i + 1
      return { norms: new Float64Array(this.#counts[bucket] as number), length: 0 }
    })
    const norms = this.#norms.values
    const words = wordsOf(norms)
    for (let i = 0; found.length > 0 && i < norms.length; i++) {
      const place = where[bucketOf(words, i)] as number
      if (place === 0) continue
      const one = found[place - 1] as (typeof found)[number]
      one.norms[one.length++] = norms[i] as number
    }
    return found.map(({ norms: all }) => all)
  }

  #capsOverRange(): number[] {
    const top = this.#highest
    if (!(top > 0)) return []
    const bottom = Math.max(this.#lowest, top * 1e-12)
    if (bottom === top) return [top]
    return Array.from({ length: DEFAULT_CAPS }, (_, i) =>
      i === DEFAULT_CAPS - 1 ? top : bottom * (top / bottom) ** (i / (DEFAULT_CAPS - 1)),
    )
  }
}

/** The first of the ascending bars from `first` on that is not below the norm; `bars.length` when all are. */
function firstFrom(bars: Float64Array, norm: number, first: number): number {
  let low = first
  let high = bars.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (norm > (bars[middle] as number)) low = middle + 1
    else high = middle
  }
  return low
}

/** Which bucket the float64 number `i` is in, given the array's `wordsOf`. */
function bucketOf(words: Uint32Array, i: number): number {
  return (words[2 * i + HIGH_WORD] as number) >>> BUCKET_SHIFT
}

function wordsOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
}
/** Where the high half of a float64 stands, whatever the byte order. */
const HIGH_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0
