import { has, type Column } from './columns.ts'
import { GrowingColumn } from './growing-column.ts'

/** What a cap does to the norms recorded. */
export interface CapEffect {
  readonly cap: number
  /** Share of the norms above the cap, exact. */
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
 * held, as exact quantiles need them all.
 */
export class NormRecord {
  readonly #norms = new GrowingColumn()
  #lowest = Infinity
  #highest = 0

  /** Adds the finite norms of a block; the others are not part of any rate. */
  add(column: Column): void {
    const { values } = column
    for (let i = 0; i < values.length; i++) {
      const norm = values[i] as number
      if (!has(column, i) || !Number.isFinite(norm) || norm < 0) continue
      this.#norms.push(norm + 0) // -0 becomes 0, which stands in the first bucket
      if (norm < this.#lowest) this.#lowest = norm
      if (norm > this.#highest) this.#highest = norm
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
    const { counts, inverses } = this.#sumBetween(sorted)
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

  /** For each gap between neighbouring caps: how many norms lie in it, and the sum of their inverses. */
  #sumBetween(caps: Float64Array): { counts: Uint32Array; inverses: Float64Array } {
    const counts = new Uint32Array(caps.length + 1)
    const inverses = new Float64Array(caps.length + 1)
    const first = capsBelowBuckets(caps)
    const norms = this.#norms.values
    const words = wordsOf(norms)
    for (let i = 0; i < norms.length; i++) {
      const norm = norms[i] as number
      let above = first[bucketOf(words, i)] as number
      while (above < caps.length && norm > (caps[above] as number)) above++
      counts[above] = (counts[above] as number) + 1
      inverses[above] = (inverses[above] as number) + 1 / norm
    }
    // Of the norms at or below the lowest cap no inverse is asked for, and that of 0 is infinite.
    inverses[0] = 0
    return { counts, inverses }
  }

  /** The norms at these ranks (ascending): only the buckets that hold them are sorted. */
  #valuesAt(ranks: readonly number[]): Map<number, number> {
    const norms = this.#norms.values
    const words = wordsOf(norms)
    const counts = new Uint32Array(BUCKETS)
    for (let i = 0; i < norms.length; i++) {
      const bucket = bucketOf(words, i)
      counts[bucket] = (counts[bucket] as number) + 1
    }
    // slot[bucket] is where in `slots` its norms are gathered, 0 for nowhere.
    const slot = new Uint16Array(BUCKETS)
    const slots: { start: number; values: GrowingColumn }[] = []
    const slotOfRank: number[] = []
    let start = 0
    for (let bucket = 0, next = 0; next < ranks.length; start += counts[bucket++] as number) {
      for (; next < ranks.length && (ranks[next] as number) < start + (counts[bucket] as number); next++) {
        if (slot[bucket] === 0) slot[bucket] = slots.push({ start, values: new GrowingColumn() })
        slotOfRank.push(slots.length - 1)
      }
    }
    for (let i = 0; i < norms.length; i++) {
      const place = slot[bucketOf(words, i)] as number
      if (place > 0) slots[place - 1]?.values.push(norms[i] as number)
    }
    for (const { values } of slots) values.values.sort()
    return new Map(
      ranks.map((rank, i) => {
        const { start: from, values } = slots[slotOfRank[i] as number] as (typeof slots)[number]
        return [rank, values.values[rank - from] as number]
      }),
    )
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

/** For each bucket, how many caps are certainly below every norm in it. */
function capsBelowBuckets(caps: Float64Array): Uint16Array {
  const words = wordsOf(caps)
  const below = new Uint16Array(BUCKETS)
  for (let bucket = 0, count = 0; bucket < BUCKETS; bucket++) {
    while (count < caps.length && bucketOf(words, count) < bucket) count++
    below[bucket] = count
  }
  return below
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
