import type { LayerShift, Moved, Sibling } from '../contract.ts'
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

/** `layer h.3 left its band at step 33, one step before the norm; 82 % of the squared norm, 12 % before`. */
export function layerWords({
  layer,
  at_step,
  lead,
  share_before,
  share_after,
  nonfinite,
}: LayerShift): string {
  if (nonfinite) return `layer ${layer} turned non-finite at step ${at_step}`
  const when =
    at_step === null || lead === null ? '' : ` left its band at step ${at_step}, ${leadWords(lead)}:`
  return `layer ${layer}${when} ${percent(share_after ?? 0)} of the squared norm, ${percent(share_before)} before`
}

/** Settings of a sibling that are named. */
const NAMED = 5

/** `the healthy run "a" differs in lr (0.0003 there, 0.003 here); at step 200 its median norm was 0.8, here 6.1`. */
export function siblingWords({ name, differs, norms }: Sibling): string {
  const named = differs
    .slice(0, NAMED)
    .map(({ key, this: own, that }) => `${key} (${valueWords(that)} there, ${valueWords(own)} here)`)
  const more = differs.length > NAMED ? `, and ${differs.length - NAMED} more` : ''
  const settings = named.length === 0 ? 'has the same settings' : `differs in ${named.join(', ')}${more}`
  const sizes =
    norms === null
      ? ''
      : `; at step ${norms.step} its median norm was ${significant(norms.that, 3)}, here ${significant(norms.this, 3)}`
  return `the healthy run "${name}" ${settings}${sizes}`
}

function valueWords(value: unknown): string {
  if (value === null || value === undefined) return 'not given'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}

const percent = (share: number): string => `${significant(100 * share, 2)} %`
