import type { Cause } from '../contract.ts'
import type { Fold } from '../record/fold.ts'
import { significant } from '../series/round.ts'
import { causes, type CauseName } from './causes.ts'
import { REFUTED, type Around, type CauseRecord } from './cause.ts'

/**
 * The causes that the record supports, the strongest first. Checked once per finding. An empty list is a valid result:
 * no cause was found in the logged data.
 */
export function diagnose(fold: Fold, names: readonly CauseName[]): readonly Cause[] {
  return names
    .flatMap((cause) => {
      const found = (causes[cause] as CauseRecord).check?.(fold)
      return found === undefined ? [] : [{ cause, ...found }]
    })
    .map(written)
    .sort((a, b) => b.weight - a.weight)
}

/**
 * The diagnosis of a finding once it is known what moved and happened around its beginning: a cause that this also
 * supports gains half of its weight, one that it refutes is left out, others are added.
 */
export function diagnoseAround(
  diagnosis: readonly Cause[],
  names: readonly CauseName[],
  around: Around,
): readonly Cause[] {
  const found = new Map(diagnosis.map((cause) => [cause.cause, cause]))
  for (const cause of names) {
    const more = (causes[cause] as CauseRecord).around?.(around)
    if (more === undefined) continue
    if (more === REFUTED) {
      found.delete(cause)
      continue
    }
    const known = found.get(cause)
    const both = known && {
      ...known,
      weight: Math.min(MOST_OF_BOTH, known.weight + more.weight / 2),
      because: `${known.because} ${more.because}`,
    }
    found.set(cause, written({ cause, ...(both ?? more) }))
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight)
}

/** The weight of a cause that all evidence supports. */
const MOST_OF_BOTH = 0.95

const written = (cause: Cause): Cause => ({
  ...cause,
  weight: significant(Math.min(1, Math.max(0, cause.weight)), 2),
  because: cause.because.charAt(0).toUpperCase() + cause.because.slice(1),
})
