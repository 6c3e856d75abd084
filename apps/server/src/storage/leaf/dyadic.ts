/** Aligned power-of-two ranges of steps: `[i·2^e, (i+1)·2^e)`. Two of them are nested or apart, never crossed. */
export interface Interval {
  readonly start: number
  readonly exponent: number
}

/** Steps are below 2^53. */
export const MAX_EXPONENT = 53

/** Exact; looked up, as computing one takes as long as the rest of what is done for a step. */
export const powerOfTwo = (exponent: number): number => POWERS[exponent] as number
const POWERS = Float64Array.from({ length: MAX_EXPONENT + 1 }, (_, exponent) => 2 ** exponent)

/** The first step behind the interval. */
export const endOf = ({ start, exponent }: Interval): number => start + powerOfTwo(exponent)

export const alignDown = (step: number, size: number): number => Math.floor(step / size) * size

/** The smallest interval that holds both steps. */
export function enclosing(first: number, last: number): Interval {
  let exponent = 0
  while (alignDown(first, powerOfTwo(exponent)) !== alignDown(last, powerOfTwo(exponent))) exponent++
  return { start: alignDown(first, powerOfTwo(exponent)), exponent }
}

/** The largest interval that holds `step` and lies within `[from, to)`. */
export function largestWithin(step: number, from: number, to: number): Interval {
  let exponent = 0
  let start = step
  while (exponent < MAX_EXPONENT) {
    const wider = alignDown(step, powerOfTwo(exponent + 1))
    if (wider < from || wider + powerOfTwo(exponent + 1) > to) break
    start = wider
    exponent++
  }
  return { start, exponent }
}

/** A leaf's interval has eight cells, unless it has fewer steps. */
const CELL_EXPONENT = 3

/** Steps of one cell of an interval with this exponent. */
export const cellSize = (exponent: number): number => powerOfTwo(Math.max(0, exponent - CELL_EXPONENT))

/** The number of the cell, from 0, that holds a step of the interval. */
export const cellAt = ({ start, exponent }: Interval, step: number): number =>
  Math.floor((step - start) / cellSize(exponent))
