import type { Cause } from '../contract.ts'
import type { Fold } from '../record/fold.ts'

/** Looks in the record for a cause; `undefined` when nothing there speaks for it. */
export type CauseCheck = (fold: Fold) => Omit<Cause, 'cause'> | undefined

/** One cause that a diagnosis can name. */
export interface CauseRecord {
  /** As people read it: `Learning rate too high`. */
  readonly title: string
  /** What must be seen, for the docs, in Markdown. */
  readonly seen: string
  readonly check: CauseCheck
}
