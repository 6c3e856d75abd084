/** A change of level: flat up to `start`, on its way to the new level until `end`, flat after. */
export interface LevelChange {
  /** Index of the first value that is off the old level. */
  readonly start: number
  /** Index of the first value on the new level; `start` for a jump. */
  readonly end: number
  /** New level minus old one. */
  readonly by: number
}

/** Values on either side without which there is no level to speak of. */
const FEWEST = 3
/** A change must stand out from the scatter of the values by so many standard errors. */
const CLEAR = 6
/** Share of the squared distance by which a ramp must fit better than a jump to be taken for one. */
const RAMP_GAIN = 0.1

/**
 * The change of level that explains the values best, by least squares over all jumps and ramps (flat, linear, flat);
 * `undefined` where none stands out. Sums over prefixes make each candidate a constant cost: 200 values take 20,000.
 */
export function findLevelChange(values: readonly number[]): LevelChange | undefined {
  const n = values.length
  if (n < 2 * FEWEST) return undefined
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const sums = new Float64Array(n + 1)
  const moments = new Float64Array(n + 1)
  let total = 0
  values.forEach((value, i) => {
    const y = value - mean
    sums[i + 1] = (sums[i] as number) + y
    moments[i + 1] = (moments[i] as number) + i * y
    total += y * y
  })
  let jump = { gain: 0, start: 0, end: 0, by: 0 }
  let ramp = jump
  for (let start = FEWEST; start <= n - FEWEST; start++) {
    for (let end = start; end <= n - FEWEST; end++) {
      // The shape: 0 before `start`, 1 from `end` on, and (i − start + 1) / width between.
      const width = end - start + 1
      const inner = end - start
      const sum = n - end + (inner * (inner + 1)) / 2 / width
      const squares = n - end + (inner * (inner + 1) * (2 * inner + 1)) / 6 / width ** 2
      const between = (moments[end] as number) - (moments[start] as number)
      const inside = (sums[end] as number) - (sums[start] as number)
      const product = (sums[n] as number) - (sums[end] as number) + (between - (start - 1) * inside) / width
      const variance = squares - (sum * sum) / n
      const gain = variance > 0 ? product ** 2 / variance : 0
      if (end === start && gain > jump.gain) jump = { gain, start, end, by: product / variance }
      if (gain > ramp.gain) ramp = { gain, start, end, by: product / variance }
    }
  }
  const best = total - ramp.gain < (1 - RAMP_GAIN) * (total - jump.gain) ? ramp : jump
  const scatter = (total - best.gain) / n
  if (!(best.gain > CLEAR ** 2 * scatter)) return undefined
  return { start: best.start, end: best.end, by: best.by }
}
