import type { ProjectLimits } from '@normwatch/protocol'
import { UnitRefused } from './unit-refused.ts'

export interface StoredLimits extends ProjectLimits {
  readonly project: string
}

/** The bound on projects with limits is reached; nothing was stored. */
export class TooManyLimits extends UnitRefused {
  override readonly name = 'TooManyLimits'
}

/** How much a project may hold. Enforcing it is not the store's. */
export interface LimitStore {
  /** The projects that have a limit, A to Z. */
  list(): Promise<StoredLimits[]>
  /** Puts these limits in place of the former ones. Throws `TooManyLimits` beyond `MAX_LIMITED_PROJECTS`. */
  put(limits: StoredLimits): Promise<void>
}
