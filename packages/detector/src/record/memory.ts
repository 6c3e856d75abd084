import { median } from '../series/statistics.ts'
import { lastOf } from '../series/ring.ts'
import type { Fold } from './fold.ts'
import { KEPT } from './state.ts'

/** Fewest norms from which the memory can be estimated; with fewer, none is assumed. */
const FEWEST = 40
/** A growth below this may be the noise of the estimate. */
const WHITE = 3

/**
 * How many neighbouring norms are worth one independent norm: 1 when they are independent, (1 + ρ) / (1 − ρ) when each
 * remembers the one before with a correlation of ρ (the effective sample size of an AR(1) process, n (1 − ρ) / (1 + ρ)).
 *
 * Read from the variogram of the newest norms: squared differences `lag` apart against those of neighbours grow by
 * (1 − ρ^lag) / (1 − ρ). Medians of the differences, so that one jump to another level is not taken for memory.
 */
export function pointsPerIndependent(fold: Fold): number {
  const norms = lastOf(fold.state.norms.log, KEPT)
  if (norms.length < FEWEST) return 1
  const lag = Math.floor(norms.length / 8)
  const near = typicalDifference(norms, 1)
  const far = typicalDifference(norms, lag)
  const growth = near > 0 ? (far / near) ** 2 : 1
  if (growth <= WHITE) return 1
  const rho = memoryOf(Math.min(growth, 0.9 * lag), lag)
  return (1 + rho) / (1 - rho)
}

function typicalDifference(values: readonly number[], lag: number): number {
  return median(values.slice(lag).map((value, i) => Math.abs(value - (values[i] as number))))
}

/** The ρ for which (1 − ρ^lag) / (1 − ρ), that is 1 + ρ + … + ρ^(lag − 1), is `growth`. */
function memoryOf(growth: number, lag: number): number {
  let low = 0
  let high = 1 - 1e-6
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if ((1 - middle ** lag) / (1 - middle) < growth) low = middle
    else high = middle
  }
  return low
}
