import { fromLog } from '../series/log-scale.ts'
import { significant } from '../series/round.ts'

/** A figure as the sentences print it: three significant digits. */
export function figure(value: number): string {
  return String(significant(value, 3))
}

/** A loss scale in full digits, as it is a power of two. */
export function scaleFigure(scale: number): string {
  return String(significant(scale, 7))
}

/** The same for a value on the log scale. */
export function logFigure(log: number): string {
  return figure(fromLog(log))
}

/** A share as a percentage. */
export function percent(share: number): string {
  return `${figure(100 * share)}%`
}

/** How far before the norm something happened. */
export function stepsBefore(steps: number): string {
  if (steps === 0) return 'with the norm'
  return `${steps === 1 ? 'one step' : `${steps} steps`} before the norm`
}
