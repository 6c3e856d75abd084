import type { Cause, LayerShift, Moved } from '../contract.ts'
import type { Fold } from '../record/fold.ts'

/** Looks for a cause in the record; `undefined` if nothing supports it. */
export type CauseCheck = (fold: Fold) => Omit<Cause, 'cause'> | undefined

/** What was found around the beginning of a finding once it had opened. */
export interface Around {
  /** The step at which it began. */
  readonly onset: number
  readonly moved: readonly Moved[]
  /** Shortly before it began, by step. */
  readonly events: readonly { readonly step: number; readonly label: string; readonly text: string | null }[]
  /** The layers that carry the growth of the norm; empty if layers are not logged. */
  readonly layers: readonly LayerShift[]
  /** Readings of lr before it began that were already as high as from there on; 0 if lr rose, or is not logged. */
  readonly readingsAtLr: number
}

/** What was found around the beginning speaks against the cause. */
export const REFUTED = 'refuted'

/** Looks for a cause in what was found around the beginning; `undefined` if nothing there speaks for or against it. */
export type AroundCheck = (around: Around) => Omit<Cause, 'cause'> | typeof REFUTED | undefined

/** One cause that a diagnosis can name: from the record when the finding opens, from what is found around its beginning, or both. */
export interface CauseRecord {
  /** Title: `Learning rate too high`. */
  readonly title: string
  /** What must be seen, for the docs, in Markdown. */
  readonly seen: string
  readonly check?: CauseCheck
  readonly around?: AroundCheck
}
