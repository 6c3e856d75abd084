import { clippedAbove } from '../record/clipped-step.ts'
import type { Column } from '../series/columns.ts'
import { NormGroup, type CountedNorms } from './norm-group.ts'
import { atOnce, type InSlices } from './in-slices.ts'
import { bucketOf, type Numbers } from './norm-buckets.ts'
import { normsAtRanks } from './norms-at-ranks.ts'
import { orderedGroup, type OrderedNorms } from './ordered-norms.ts'

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
/** Norms that are grouped together. */
const GROUP = 2 ** 16
/** Norms that are looked into in one slice. */
const SLICE = 2 ** 17

/** How many norms each bucket holds, from bucket `first` on. */
interface Buckets {
  readonly first: number
  readonly counts: Float64Array
}

/** A bucket whose norms are looked at one by one. */
interface Search {
  readonly bucket: number
  /** Places of its bars: from the first up to the one behind the last. */
  readonly fromBar: number
  readonly toBar: number
  /** Room for its norms, if it holds a rank. */
  readonly room: Numbers | undefined
  /** Norms in that room. */
  found: number
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
 * The finite norms of a run or a range of it, for the what-if: add them block by block, then ask. All are held, as exact
 * quantiles need them, and grouped by bucket: only buckets with a rank or a bar in them are looked into.
 */
export class NormRecord {
  readonly #groups: CountedNorms[] = []
  /** Blocks that are not grouped yet, and how many readings they have. */
  #blocks: Numbers[] = []
  #waiting = 0
  #buckets: Buckets | undefined

  /** Adds the finite norms of a block, which must stay as it is; the others are not part of any rate. */
  add({ values, present }: { values: Numbers; present: Column['present'] }): void {
    const norms = present === null ? values : values.filter((_, i) => present[i] === 1)
    for (let from = 0; from < norms.length;) {
      const some = norms.subarray(from, from + GROUP - this.#waiting)
      this.#blocks.push(some)
      this.#waiting += some.length
      from += some.length
      if (this.#waiting === GROUP) this.#group()
    }
  }

  /** Adds norms that are in order already, which are looked at faster. */
  addOrdered(norms: OrderedNorms): void {
    this.#group()
    this.#groups.push(orderedGroup(norms))
    this.#buckets = undefined
  }

  /** Adds all norms of another record. */
  addAll(other: NormRecord): void {
    other.#group()
    this.#groups.push(...other.#groups)
    this.#buckets = undefined
  }

  #group(): void {
    if (this.#waiting === 0) return
    this.#groups.push(new NormGroup(this.#blocks))
    this.#blocks = []
    this.#waiting = 0
    this.#buckets = undefined
  }

  get count(): number {
    this.#group()
    return this.#groups.reduce((sum, { count }) => sum + count, 0)
  }

  /** Finite readings below 0, which are no norms: they are in no quantile, and no cap clips them. */
  get below0(): number {
    this.#group()
    return this.#groups.reduce((sum, { below0 }) => sum + below0, 0)
  }

  /** Bytes that the norms take. */
  get bytes(): number {
    this.#group()
    return this.#groups.reduce((sum, { bytes }) => sum + bytes, 0)
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
    caps?: readonly number[],
  ): InSlices<{ quantiles: (number | null)[]; curve: CapEffect[] }> {
    const { count } = this
    const buckets = this.#bucketed()
    const sorted = Float64Array.from(new Set(caps ?? (yield* this.#capsOver(buckets)))).sort()
    const inverses = sorted.length === 0 ? undefined : yield* this.#inversesIn(buckets)
    const { quantiles, gaps } = yield* this.#search(shares, sorted.map(clippedAbove), inverses)
    return { quantiles, curve: effects(sorted, gaps, count) }
  }

  /** `inverses` of the norms in each bucket, without which the gaps' own are not to be used. */
  *#search(
    shares: readonly number[],
    bars: Float64Array,
    inverses: Float64Array | undefined,
  ): InSlices<{ quantiles: (number | null)[]; gaps: Gaps }> {
    const { count } = this
    const places = count === 0 ? [] : shares.map((share) => share * (count - 1))
    const whole = new Set(places.flatMap((place) => [Math.floor(place), Math.ceil(place)]))
    const buckets = this.#bucketed()
    const ranks = placesOf(
      buckets,
      [...whole].sort((a, b) => a - b),
    )
    const Room = this.#groups.every(({ isSingle }) => isSingle) ? Float32Array : Float64Array
    const { searches, gaps } = prepare(buckets, inverses, bars, ranks, Room)
    yield* this.#lookInto(searches, gaps)
    const rooms = new Map(searches.map(({ bucket, room }) => [bucket, room]))
    const valueAt = new Map<number, number>()
    for (const [bucket, here] of Map.groupBy(ranks, (place) => place.bucket)) {
      const norms = rooms.get(bucket) as Numbers
      const values = yield* normsAtRanks(
        norms,
        here.map(({ rank, start }) => rank - start),
      )
      here.forEach(({ rank }, i) => valueAt.set(rank, values[i] as number))
    }
    const quantiles = shares.map((_, i) => {
      const place = places[i]
      if (place === undefined) return null
      const low = valueAt.get(Math.floor(place)) as number
      const high = valueAt.get(Math.ceil(place)) as number
      return low + (place - Math.floor(place)) * (high - low)
    })
    return { quantiles, gaps }
  }

  #bucketed(): Buckets {
    this.#group()
    return (this.#buckets ??= bucketsOf(this.#groups))
  }

  /** Looks at the norms of these buckets, ascending: puts them into their gaps, or collects them. */
  *#lookInto(searches: readonly Search[], gaps: Gaps): InSlices<void> {
    if (searches.length === 0) return
    const wanted = searches.map(({ bucket }) => bucket)
    yield* this.#eachGroup((group) => {
      group.select(wanted, (norms, from, to, place) =>
        lookInto(norms, from, to, searches[place] as Search, gaps),
      )
    })
  }

  /** The sum of the inverses of the norms in each bucket. */
  *#inversesIn({ first, counts }: Buckets): InSlices<Float64Array> {
    const inverses = new Float64Array(counts.length)
    yield* this.#eachGroup((group) => {
      const some = group.inverses
      group.buckets.forEach((bucket, i) => {
        inverses[bucket - first] = (inverses[bucket - first] as number) + (some[i] as number)
      })
    })
    return inverses
  }

  /** Caps over the range of the norms, which are in these buckets. */
  *#capsOver({ first, counts }: Buckets): InSlices<number[]> {
    const last = first + counts.length - 1
    let lowest = Infinity
    let highest = 0
    yield* this.#eachGroup((group) => {
      if (group.buckets[0] === first) lowest = Math.min(lowest, group.lowest)
      if (group.buckets.at(-1) === last) highest = Math.max(highest, group.highest)
    })
    return capsBetween(lowest, highest)
  }

  *#eachGroup(work: (group: CountedNorms) => void): InSlices<void> {
    let seen = 0
    for (const group of this.#groups) {
      work(group)
      seen += group.count
      if (seen < SLICE) continue
      seen = 0
      yield
    }
  }
}

function bucketsOf(groups: readonly CountedNorms[]): Buckets {
  const held = groups.filter(({ count }) => count > 0)
  const first = held.reduce((least, { buckets }) => Math.min(least, buckets[0] as number), Infinity)
  const last = held.reduce((most, { buckets }) => Math.max(most, buckets.at(-1) as number), -1)
  if (last < 0) return { first: 0, counts: new Float64Array(0) }
  const counts = new Float64Array(last - first + 1)
  for (const { buckets, counts: some } of held) {
    for (let i = 0; i < buckets.length; i++) {
      const at = (buckets[i] as number) - first
      counts[at] = (counts[at] as number) + (some[i] as number)
    }
  }
  return { first, counts }
}

/** The bucket of the norm at each of these ranks (ascending), and the rank of the lowest norm in it. */
function placesOf({ first, counts }: Buckets, ranks: readonly number[]): RankPlace[] {
  let [at, start] = [0, 0]
  return ranks.map((rank) => {
    while (start + (counts[at] as number) <= rank) start += counts[at++] as number
    return { rank, bucket: first + at, start }
  })
}

/** Puts whole buckets into their gaps between bars, and names those that must be looked into. `inverses`: given where there are bars. */
function prepare(
  { first, counts }: Buckets,
  inverses: Float64Array | undefined,
  bars: Float64Array,
  ranks: readonly RankPlace[],
  Room: typeof Float32Array | typeof Float64Array,
): { searches: Search[]; gaps: Gaps } {
  const gaps: Gaps = {
    bars,
    counts: new Float64Array(bars.length + 1),
    inverses: new Float64Array(bars.length + 1),
  }
  const searches: Search[] = []
  const barBuckets = Array.from(bars, bucketOf)
  const rankBuckets = new Set(ranks.map(({ bucket }) => bucket))
  for (let at = 0, fromBar = 0; at < counts.length; at++) {
    const bucket = first + at
    while (fromBar < bars.length && (barBuckets[fromBar] as number) < bucket) fromBar++
    const count = counts[at] as number
    if (count === 0) continue
    let toBar = fromBar
    while (barBuckets[toBar] === bucket) toBar++
    if (toBar === fromBar) put(gaps, fromBar, count, inverses?.[at] ?? 0)
    if (toBar === fromBar && !rankBuckets.has(bucket)) continue
    const room = rankBuckets.has(bucket) ? new Room(count) : undefined
    searches.push({ bucket, fromBar, toBar, room, found: 0 })
  }
  return { searches, gaps }
}

/** Looks at the norms from `from` up to `to`, which are of the bucket that is searched. */
function lookInto(norms: Numbers, from: number, to: number, search: Search, gaps: Gaps): void {
  const { fromBar, toBar, room } = search
  if (room !== undefined) {
    let { found } = search
    for (let i = from; i < to; i++) room[found++] = norms[i] as number
    search.found = found
  }
  if (toBar - fromBar === 1) divide(norms, from, to, fromBar, gaps)
  else if (toBar > fromBar)
    for (let i = from; i < to; i++) {
      const norm = norms[i] as number
      put(gaps, firstFrom(gaps.bars, norm, fromBar, toBar), 1, 1 / norm)
    }
}

/** Puts norms of a bucket with a single bar into the gaps on both of its sides. */
function divide(norms: Numbers, from: number, to: number, place: number, gaps: Gaps): void {
  const bar = gaps.bars[place] as number
  let [above, inverseAbove, inverseBelow] = [0, 0, 0]
  for (let i = from; i < to; i++) {
    const norm = norms[i] as number
    if (norm > bar) {
      above++
      inverseAbove += 1 / norm
    } else inverseBelow += 1 / norm
  }
  put(gaps, place, to - from - above, inverseBelow)
  put(gaps, place + 1, above, inverseAbove)
}

function put({ counts, inverses }: Gaps, gap: number, count: number, inverse: number): void {
  counts[gap] = (counts[gap] as number) + count
  inverses[gap] = (inverses[gap] as number) + inverse
}

/** The first of the ascending bars from `from` up to `to` that is not below the norm; `to` when all are. */
function firstFrom(bars: Float64Array, norm: number, from: number, to: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (norm > (bars[middle] as number)) low = middle + 1
    else high = middle
  }
  return low
}

function effects(sorted: Float64Array, { counts, inverses }: Gaps, count: number): CapEffect[] {
  const found: CapEffect[] = []
  let clipped = 0
  let inverse = 0
  // of the norms at or below the lowest bar no inverse is asked for, and that of 0 is infinite
  for (let i = sorted.length - 1; i >= 0; i--) {
    clipped += counts[i + 1] as number
    inverse += inverses[i + 1] as number
    const cap = sorted[i] as number
    const unclipped = count - clipped
    found.push({
      cap,
      clip_rate: count === 0 ? 0 : clipped / count,
      mean_coefficient: count === 0 ? 1 : (unclipped + cap * inverse) / count,
    })
  }
  return found.reverse()
}

function capsBetween(lowest: number, top: number): number[] {
  if (!(top > 0)) return []
  const bottom = Math.max(lowest, top * 1e-12)
  if (bottom === top) return [top]
  return Array.from({ length: DEFAULT_CAPS }, (_, i) =>
    i === DEFAULT_CAPS - 1 ? top : bottom * (top / bottom) ** (i / (DEFAULT_CAPS - 1)),
  )
}
