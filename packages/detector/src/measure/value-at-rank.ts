import type { InSlices } from './in-slices.ts'

/** Values compared in one slice. */
const SLICE = 2 ** 18
/** So many are sorted. */
const FEW = 2 ** 10

/** The value that stands at this rank, from 0, in the ascending order of the values, none of which is NaN. They stay as they are. */
export function* valueAtRank(values: Float64Array, rank: number): InSlices<number> {
  let rest = values
  let place = rank
  while (rest.length > FEW) {
    const pivot = pivotOf(rest)
    let below = 0
    let equal = 0
    for (let from = 0; from < rest.length; from += SLICE) {
      const to = Math.min(rest.length, from + SLICE)
      for (let i = from; i < to; i++) {
        const value = rest[i] as number
        if (value < pivot) below++
        else if (value === pivot) equal++
      }
      yield
    }
    if (place >= below && place < below + equal) return pivot
    const isBelow = place < below
    const kept = new Float64Array(isBelow ? below : rest.length - below - equal)
    let count = 0
    for (let from = 0; from < rest.length; from += SLICE) {
      const to = Math.min(rest.length, from + SLICE)
      for (let i = from; i < to; i++) {
        const value = rest[i] as number
        if (isBelow ? value < pivot : value > pivot) kept[count++] = value
      }
      yield
    }
    if (!isBelow) place -= below + equal
    rest = kept
  }
  return rest.slice().sort()[place] as number
}

/** The median of some of the values, evenly spread. */
function pivotOf(values: Float64Array): number {
  const sample = Float64Array.from({ length: FEW / 8 }, (_, i) => {
    return values[Math.floor((i * values.length) / (FEW / 8))] as number
  }).sort()
  return sample[sample.length >> 1] as number
}
