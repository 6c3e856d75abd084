import type { Cause, Moved } from '../contract.ts'
import type { Fold } from '../record/fold.ts'

/** Looks in the record for a cause; `undefined` when nothing there speaks for it. */
export type CauseCheck = (fold: Fold) => Omit<Cause, 'cause'> | undefined

/** What was found around the beginning of a finding once it had opened. */
export interface Around {
  /** The step at which it began. */
  readonly onset: number
  readonly moved: readonly Moved[]
  /** Shortly before it began, by step. */
  readonly events: readonly { readonly step: number; readonly label: string; readonly text: string | null }[]
}

/** Looks for a cause in what was found around the beginning; `undefined` when nothing there speaks for it. */
type AroundCheck = (around: Around) => Omit<Cause, 'cause'> | undefined

/** One cause that a diagnosis can name, by the record as it is when the finding opens, by what is found around its beginning, or both. */
export interface CauseRecord {
  /** As people read it: `Learning rate too high`. */
  readonly title: string
  /** What must be seen, for the docs, in Markdown. */
  readonly seen: string
  readonly check?: CauseCheck
  readonly around?: AroundCheck
}
