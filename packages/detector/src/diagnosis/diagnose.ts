import type { Cause } from '../contract.ts'
import type { Fold } from '../record/fold.ts'
import { significant } from '../series/round.ts'
import { causes, type CauseName } from './causes.ts'

/**
 * Which of these causes the record speaks for, the weightiest first. Checked once a finding. An empty list is a right
 * answer: no cause was found in the logged data.
 */
export function diagnose(fold: Fold, names: readonly CauseName[]): readonly Cause[] {
  return names
    .flatMap((cause) => {
      const found = causes[cause].check(fold)
      return found === undefined ? [] : [{ cause, ...found }]
    })
    .map((cause) => ({
      ...cause,
      weight: significant(Math.min(1, Math.max(0, cause.weight)), 2),
      because: cause.because.charAt(0).toUpperCase() + cause.because.slice(1),
    }))
    .sort((a, b) => b.weight - a.weight)
}
