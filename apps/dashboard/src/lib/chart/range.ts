import type { StepRange } from '#lib/api/client.ts'

/** The fewest steps a zoom goes down to: single points show by then. */
const NARROWEST = 4

/** The range between two positions, in either order, on whole steps and not narrower than `NARROWEST`. */
export function between(a: number, b: number): StepRange {
  const from = Math.max(0, Math.floor(Math.min(a, b)))
  const to = Math.ceil(Math.max(a, b))
  const lacking = NARROWEST - (to - from)
  if (lacking <= 0) return { from, to }
  const left = Math.max(0, from - Math.floor(lacking / 2))
  return { from: left, to: left + NARROWEST }
}

/** The range `factor` times as wide, with `centre` staying where it is on the screen; never beyond `whole`. */
export function zoomAround(range: StepRange, centre: number, factor: number, whole: StepRange): StepRange {
  const from = centre - (centre - range.from) * factor
  const to = centre + (range.to - centre) * factor
  return between(Math.max(whole.from, from), Math.min(whole.to, to))
}

/** The range moved by `steps`, keeping its width and staying within `whole`. */
export function pan(range: StepRange, steps: number, whole: StepRange): StepRange {
  const width = range.to - range.from
  const from = Math.min(Math.max(whole.from, range.from + steps), Math.max(whole.from, whole.to - width))
  return between(from, from + width)
}

/** Whether nothing would be hidden: the range then is the whole record. */
export function coversAll(range: StepRange, whole: StepRange): boolean {
  return range.from <= whole.from && range.to >= whole.to
}

/** The range to fetch for a view: half its width more on either side, so that a small pan shows nothing empty. */
export function withMargin({ from, to }: StepRange): StepRange {
  const margin = Math.ceil((to - from) / 2)
  return { from: Math.max(0, from - margin), to: to + margin }
}

/** The value of `to` at `at`, both columns ascending: linear between neighbours, the ends continued. */
export function interpolate(from: readonly number[], to: readonly number[], at: number): number {
  const last = from.length - 1
  if (last < 0) return at
  if (last === 0) return to[0] as number
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((from[middle] as number) <= at) low = middle
    else high = middle
  }
  const width = (from[high] as number) - (from[low] as number)
  const share = width === 0 ? 0 : (at - (from[low] as number)) / width
  return (to[low] as number) + share * ((to[high] as number) - (to[low] as number))
}
