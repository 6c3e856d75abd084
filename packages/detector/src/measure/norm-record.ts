import { clippedAbove } from '../record/clipped-step.ts'
import type { Column } from '../series/columns.ts'
import { atOnce, type InSlices } from './in-slices.ts'
import { BUCKETS, bucketAt, bucketOf, wordsOf } from './norm-buckets.ts'
import { valueAtRank } from './value-at-rank.ts'

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
/** Norms held in one array. */
const CHUNK = 2 ** 16
/** Arrays of norms looked into in one slice. */
const CHUNKS_A_SLICE = 4

/** What is looked for in a second pass over the norms of some buckets. */
interface Search {
  /** Of each bucket: 0, or the place of its bars or ranks in the lists below, counted from 1. */
  readonly wanted: Uint16Array
  /** The first bar in the bucket; `undefined` where it has none. */
  readonly firstBar: (number | undefined)[]
  /** Room for the norms of a bucket that holds a rank. */
  readonly kept: ({ readonly norms: Float64Array; length: number } | undefined)[]
}

interface RankPlace {
  readonly rank: number
  readonly bucket: number
  readonly start: number
}

/** For each gap between neighbouring bars: how many norms lie in it, and the sum of their inverses. */
interface Gaps {
  readonly bars: Float64Array
  readonly counts: Float64Array
  readonly inverses: Float64Array
}

/**
 * The finite norms of a run or a range of it, for the what-if: add them block by block, then ask. 8 bytes a norm are
 * held, as exact quantiles need them all, and their counts by bucket: only buckets with a rank or a bar in them are looked
 * into again.
 */
export class NormRecord {
  /** All but the last are full. */
  readonly #chunks: Float64Array[] = []
  readonly #counts = new Uint32Array(BUCKETS)
  /** Sums of the inverses of the norms. */
  readonly #inverses = new Float64Array(BUCKETS)
  #count = 0
  #lowest = Infinity
  #highest = 0

  /** Adds the finite norms of a block; the others are not part of any rate. */
  add({ values, present }: { values: Float32Array | Float64Array; present: Column['present'] }): void {
    for (let from = 0; from < values.length;) {
      const held = this.#count % CHUNK
      if (this.#count === this.#chunks.length * CHUNK) this.#chunks.push(new Float64Array(CHUNK))
      const to = Math.min(values.length, from + CHUNK - held)
      this.#addSome(this.#chunks.at(-1) as Float64Array, held, values, present, from, to)
      from = to
    }
  }

  #addSome(
    chunk: Float64Array,
    held: number,
    values: Float32Array | Float64Array,
    present: Column['present'],
    from: number,
    to: number,
  ): void {
    const words = wordsOf(chunk)
    const [counts, inverses] = [this.#counts, this.#inverses]
    let [lowest, highest] = [this.#lowest, this.#highest]
    let at = held
    for (let i = from; i < to; i++) {
      // -0 becomes 0, which stands in the first bucket
      const norm = (values[i] as number) + 0
      if (present?.[i] === 0 || !(norm >= 0 && norm < Infinity)) continue
      chunk[at] = norm
      if (norm < lowest) lowest = norm
      if (norm > highest) highest = norm
      const bucket = bucketAt(words, at++)
      counts[bucket] = (counts[bucket] as number) + 1
      inverses[bucket] = (inverses[bucket] as number) + 1 / norm
    }
    this.#count += at - held
    this.#lowest = lowest
    this.#highest = highest
  }

  get count(): number {
    return this.#count
  }

  /** The exact quantiles at `shares` in [0, 1], linear between ranks (as NumPy's default); `null` without a norm. */
  quantiles(shares: readonly number[]): (number | null)[] {
    return atOnce(this.look(shares, [])).quantiles
  }

  /** What each cap would have done, in ascending order of the caps. Without caps: about 64 over the range seen, on a log scale. */
  curve(caps?: readonly number[]): CapEffect[] {
    return atOnce(this.look([], caps)).curve
  }

  /** Both in one pass, in slices. */
  *look(
    shares: readonly number[],
    caps: readonly number[] = this.#capsOverRange(),
  ): InSlices<{ quantiles: (number | null)[]; curve: CapEffect[] }> {
    const places = this.count === 0 ? [] : shares.map((share) => share * (this.count - 1))
    const whole = new Set(places.flatMap((place) => [Math.floor(place), Math.ceil(place)]))
    const ranks = this.#bucketsOf([...whole].sort((a, b) => a - b))
    const sorted = Float64Array.from(new Set(caps)).sort()
    const { search, gaps } = this.#prepare(sorted.map(clippedAbove), ranks)
    yield* this.#lookInto(search, gaps)
    const valueAt = new Map<number, number>()
    for (const { rank, bucket, start } of ranks) {
      const norms = search.kept[(search.wanted[bucket] as number) - 1]?.norms as Float64Array
      valueAt.set(rank, yield* valueAtRank(norms, rank - start))
    }
    const quantiles = shares.map((_, i) => {
      const place = places[i]
      if (place === undefined) return null
      const low = valueAt.get(Math.floor(place)) as number
      const high = valueAt.get(Math.ceil(place)) as number
      return low + (place - Math.floor(place)) * (high - low)
    })
    return { quantiles, curve: this.#effects(sorted, gaps) }
  }

  /** The bucket of the norm at each of these ranks (ascending), and the rank of the lowest norm in it. */
  #bucketsOf(ranks: readonly number[]): RankPlace[] {
    let [bucket, start] = [0, 0]
    return ranks.map((rank) => {
      while (start + (this.#counts[bucket] as number) <= rank) start += this.#counts[bucket++] as number
      return { rank, bucket, start }
    })
  }

  /** Puts whole buckets into their gaps between bars, and notes those that must be looked into. */
  #prepare(bars: Float64Array, ranks: readonly RankPlace[]): { search: Search; gaps: Gaps } {
    const gaps: Gaps = {
      bars,
      counts: new Float64Array(bars.length + 1),
      inverses: new Float64Array(bars.length + 1),
    }
    const search: Search = { wanted: new Uint16Array(BUCKETS), firstBar: [], kept: [] }
    const barBuckets = Array.from(bars, bucketOf)
    const rankBuckets = new Set(ranks.map(({ bucket }) => bucket))
    const last = this.count === 0 ? -1 : bucketOf(this.#highest)
    for (let bucket = this.count === 0 ? 0 : bucketOf(this.#lowest), below = 0; bucket <= last; bucket++) {
      while (below < bars.length && (barBuckets[below] as number) < bucket) below++
      const count = this.#counts[bucket] as number
      if (count === 0) continue
      const hasBar = barBuckets[below] === bucket
      const hasRank = rankBuckets.has(bucket)
      if (!hasBar) put(gaps, below, count, this.#inverses[bucket] as number)
      if (!hasBar && !hasRank) continue
      search.firstBar.push(hasBar ? below : undefined)
      search.kept.push(hasRank ? { norms: new Float64Array(count), length: 0 } : undefined)
      search.wanted[bucket] = search.kept.length
    }
    return { search, gaps }
  }

  /** Puts the norms of the buckets that hold a bar into their gaps, and collects those of the buckets that hold a rank. */
  *#lookInto(search: Search, gaps: Gaps): InSlices<void> {
    if (search.kept.length === 0) return
    for (let at = 0; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] as Float64Array
      lookInto(chunk, Math.min(CHUNK, this.count - at * CHUNK), search, gaps)
      if (at % CHUNKS_A_SLICE === CHUNKS_A_SLICE - 1) yield
    }
  }

  #effects(sorted: Float64Array, { counts, inverses }: Gaps): CapEffect[] {
    const effects: CapEffect[] = []
    let clipped = 0
    let inverse = 0
    // of the norms at or below the lowest bar no inverse is asked for, and that of 0 is infinite
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

function lookInto(norms: Float64Array, count: number, { wanted, firstBar, kept }: Search, gaps: Gaps): void {
  const words = wordsOf(norms)
  for (let i = 0; i < count; i++) {
    const at = wanted[bucketAt(words, i)] as number
    if (at === 0) continue
    const norm = norms[i] as number
    const bar = firstBar[at - 1]
    const room = kept[at - 1]
    if (bar !== undefined) put(gaps, firstFrom(gaps.bars, norm, bar), 1, 1 / norm)
    if (room !== undefined) room.norms[room.length++] = norm
  }
}

function put({ counts, inverses }: Gaps, gap: number, count: number, inverse: number): void {
  counts[gap] = (counts[gap] as number) + count
  inverses[gap] = (inverses[gap] as number) + inverse
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
