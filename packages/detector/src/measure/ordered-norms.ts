import { NormGroup, type CountedNorms } from './norm-group.ts'
import type { Numbers } from './norm-buckets.ts'

/** What is known of norms that are stored in ascending order, without the norms themselves. */
export interface OrderedCounts extends Pick<
  CountedNorms,
  'buckets' | 'counts' | 'inverses' | 'below0' | 'isSingle' | 'lowest' | 'highest'
> {
  /** All readings, also those that are no norms: NaN, ±Infinity and those below 0. */
  readonly readings: number
}

/** Norms in ascending order that are unpacked each time they are looked at. */
export interface OrderedNorms extends OrderedCounts {
  /** Bytes that they take as long as they are packed. */
  readonly bytes: number
  /** Gives a function that gives the norms from one place up to another, counted from the lowest. */
  readonly unpack: () => (from: number, to: number) => Numbers
}

/** Puts the norms among these readings in order. */
export function orderNorms(blocks: readonly Numbers[]): OrderedCounts & { readonly norms: Numbers } {
  const group = new NormGroup(blocks)
  const { buckets, counts, inverses, below0, isSingle, count } = group
  const norms = isSingle ? new Float32Array(count) : new Float64Array(count)
  let filled = 0
  group.select([...buckets], (some, from, to) => {
    norms.set(some.subarray(from, to), filled)
    filled += to - from
  })
  norms.sort()
  const readings = blocks.reduce((sum, { length }) => sum + length, 0)
  const [lowest = Infinity, highest = 0] = [norms[0], norms.at(-1)]
  return { readings, below0, isSingle, lowest, highest, buckets, counts, inverses, norms }
}

/** Ordered norms as a group of a record. */
export const orderedGroup = (ordered: OrderedNorms): CountedNorms => ({
  ...ordered,
  count: ordered.counts.reduce((sum, count) => sum + count, 0),
  select(wanted, take) {
    const { buckets, counts, unpack } = ordered
    let normsBetween: ReturnType<OrderedNorms['unpack']> | undefined
    for (let at = 0, start = 0, place = 0; place < wanted.length && at < buckets.length; place++) {
      while ((buckets[at] ?? Infinity) < (wanted[place] as number)) start += counts[at++] as number
      if (buckets[at] !== wanted[place]) continue
      normsBetween ??= unpack()
      const norms = normsBetween(start, start + (counts[at] as number))
      take(norms, 0, norms.length, place)
    }
  },
})
