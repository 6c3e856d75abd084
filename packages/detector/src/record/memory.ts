import { median } from '../series/statistics.ts'
import { lastOf } from '../series/ring.ts'
import type { Fold } from './fold.ts'
import { KEPT } from './state.ts'

/** Fewest norms from which the memory can be estimated; with fewer, none is assumed. */
const FEWEST = 20
/** Norms from which it is read from differences, which a jump to another level does not change much. */
const ENOUGH = 50
/** Differences so large a share of the record apart are set against those of neighbours. */
const LAGS = 8
/** A growth of the squared differences below 1 + this / √norms may be the noise of the estimate. */
const NOISE = 12
/** A correlation of neighbours below so many standard errors, 1 / √norms, may be noise. */
const ERRORS = 2
/** The correction for what a few norms show too little of goes no further. */
const MOST_CORRECTED = 0.95

/**
 * How many neighbouring norms are worth one independent norm: 1 when they are independent, (1 + ρ) / (1 − ρ) when each
 * remembers the one before with a correlation of ρ (the effective sample size of an AR(1) process, n (1 − ρ) / (1 + ρ)).
 *
 * Both ways to tell ρ show it too low, by (1 + 3ρ) / n in the mean (Marriott and Pope 1954), which is added.
 */
export function pointsPerIndependent(fold: Fold): number {
  const norms = lastOf(fold.state.norms.log, KEPT)
  if (norms.length < FEWEST) return 1
  const seen = norms.length < ENOUGH ? correlation(norms) : memoryOfDifferences(norms)
  if (seen === 0) return 1
  const rho = Math.max(seen, Math.min(MOST_CORRECTED, seen + (1 + 3 * seen) / norms.length))
  return (1 + rho) / (1 - rho)
}

/** The correlation of neighbours; 0 where it may be noise. */
function correlation(norms: readonly number[]): number {
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length
  let own = 0
  let crossed = 0
  let last = 0
  for (const norm of norms) {
    const by = norm - mean
    own += by * by
    crossed += by * last
    last = by
  }
  return crossed < (ERRORS * own) / Math.sqrt(norms.length) || own === 0 ? 0 : crossed / own
}

/**
 * ρ from the variogram: squared differences `lag` apart against those of neighbours grow by (1 − ρ^lag) / (1 − ρ). Medians of
 * the differences, so that one jump to another level is not taken for memory; 0 where the growth may be noise.
 */
function memoryOfDifferences(norms: readonly number[]): number {
  const lag = Math.floor(norms.length / LAGS)
  const near = typicalDifference(norms, 1)
  const far = typicalDifference(norms, lag)
  const growth = near > 0 ? (far / near) ** 2 : 1
  return growth <= 1 + NOISE / Math.sqrt(norms.length) ? 0 : memoryOf(Math.min(growth, 0.9 * lag), lag)
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
