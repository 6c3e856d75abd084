import type { Run } from '@normwatch/protocol'
import type { StoredRun } from '../storage/store.ts'

/** The run as the wire shows it, without what only the server needs. */
export function toRun({ last_arrival: _, ...run }: StoredRun): Run {
  return run
}
