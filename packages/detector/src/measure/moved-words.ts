import type { Moved } from '../contract.ts'
import { significant } from '../series/round.ts'

/** A sentence without its full stop: `actor/kl rose 5.2× at step 33, one step before the norm`. */
export function movedWords({ metric, before, after, ratio, at_step, lead }: Moved): string {
  return `${metric} ${changeWords(before, after, ratio)} at step ${at_step}, ${leadWords(lead)}`
}

function changeWords(before: number, after: number, ratio: number | null): string {
  if (ratio === null || ratio <= 0) return `went from ${significant(before, 3)} to ${significant(after, 3)}`
  return ratio >= 1 ? `rose ${significant(ratio, 2)}×` : `fell to ${significant(ratio, 2)}×`
}

function leadWords(lead: number): string {
  if (lead === 0) return 'with the norm'
  const steps = Math.abs(lead) === 1 ? 'one step' : `${Math.abs(lead)} steps`
  return `${steps} ${lead < 0 ? 'before' : 'after'} the norm`
}
