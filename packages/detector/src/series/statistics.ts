/** Median; of an even number the mean of the two middle ones; NaN when empty. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The middle value, of an even number the upper of the two; NaN when empty. */
export function upperMedian(values: Float64Array): number {
  return selectMiddle(values.slice(), values.length)
}

/** The same of the first `count` values, which it reorders: by Hoare's selection, which needs no sorting. */
export function selectMiddle(values: Float64Array, count: number): number {
  if (count === 0) return NaN
  const middle = count >> 1
  let low = 0
  let high = count - 1
  while (low < high) {
    const pivot = values[(low + high) >> 1] as number
    let i = low
    let j = high
    while (i <= j) {
      while ((values[i] as number) < pivot) i++
      while ((values[j] as number) > pivot) j--
      if (i > j) break
      const swapped = values[i] as number
      values[i++] = values[j] as number
      values[j--] = swapped
    }
    if (middle <= j) high = j
    else if (middle >= i) low = i
    else break
  }
  return values[middle] as number
}

/** The quantile `share` in [0, 1], linear between ranks; NaN when empty. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return NaN
  const sorted = values.toSorted((a, b) => a - b)
  const rank = share * (sorted.length - 1)
  const low = sorted[Math.floor(rank)] as number
  const high = sorted[Math.ceil(rank)] as number
  return low + (rank - Math.floor(rank)) * (high - low)
}

/** Spearman's rank correlation with mean ranks for ties; NaN when either side is constant. */
export function rankCorrelation(xs: ArrayLike<number>, ys: ArrayLike<number>): number {
  return correlationOfRanks(ranks(xs), ranks(ys))
}

/** The correlation of two rows of ranks of the same length. */
export function correlationOfRanks(a: Float64Array, b: Float64Array): number {
  const middle = (a.length - 1) / 2
  let both = 0
  let ofA = 0
  let ofB = 0
  for (let i = 0; i < a.length; i++) {
    const x = (a[i] as number) - middle
    const y = (b[i] as number) - middle
    both += x * y
    ofA += x * x
    ofB += y * y
  }
  return both / Math.sqrt(ofA * ofB)
}

/** The rank of each value from 0 on; equal ones share the mean of theirs. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number))
  const out = new Float64Array(values.length)
  for (let from = 0; from < order.length;) {
    const value = values[order[from] as number]
    let to = from
    while (to + 1 < order.length && values[order[to + 1] as number] === value) to++
    for (let i = from; i <= to; i++) out[order[i] as number] = (from + to) / 2
    from = to + 1
  }
  return out
}
