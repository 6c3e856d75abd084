import type { InSlices } from './in-slices.ts'

/** Values compared in one slice. */
const SLICE = 2 ** 18
/** So many are sorted. */
const FEW = 2 ** 10
/** Values of which a pivot is the median. */
const SAMPLE = 2 ** 7

/**
 * The value that stands at this rank, from 0, in the ascending order of the values, none of which is NaN. They are moved about:
 * afterwards it stands at its place, none before it is more, and none behind it is less.
 */
export function* valueAtRank(values: Float32Array | Float64Array, rank: number): InSlices<number> {
  let [from, to] = [0, values.length]
  while (to - from > FEW) {
    const pivot = pivotOf(values, from, to)
    // from `from` on less than the pivot, from `equal` on the pivot, from `at` on not looked at, from `above` on more
    let [equal, at, above] = [from, from, to]
    while (at < above) {
      for (let left = Math.min(SLICE, above - at); left > 0; left--) {
        const value = values[at] as number
        if (value > pivot) {
          above--
          values[at] = values[above] as number
          values[above] = value
          continue
        }
        if (value < pivot) {
          values[at] = pivot
          values[equal++] = value
        }
        at++
      }
      yield
    }
    if (rank >= equal && rank < above) return pivot
    if (rank < equal) to = equal
    else from = above
  }
  return values.subarray(from, to).sort()[rank - from] as number
}

/** The median of some of the values, evenly spread. */
function pivotOf(values: Float32Array | Float64Array, from: number, to: number): number {
  const step = (to - from) / SAMPLE
  const sample = Float64Array.from(
    { length: SAMPLE },
    (_, i) => values[from + Math.floor(i * step)] as number,
  )
  return sample.sort()[SAMPLE >> 1] as number
}
