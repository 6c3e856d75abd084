import type { RunEvent } from '@normwatch/protocol'
import { UnitRefused } from './unit-refused.ts'

/** The events would take a run over its bound; nothing was stored. */
export class TooManyEvents extends UnitRefused {
  override readonly name = 'TooManyEvents'
}

export interface EventStore {
  /** Stores events of a run as one unit; one of the same step and label is replaced. Throws `RunNotFound`, `TooManyEvents`. */
  put(run: string, events: readonly RunEvent[]): Promise<void>
  /** The events from step `from` to step `to`, both inclusive, by step and label. Throws `RunNotFound`. */
  list(run: string, range: { from?: number | undefined; to?: number | undefined }): Promise<RunEvent[]>
}
