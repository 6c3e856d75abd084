/**
 * Background work that one server at a time does, however many use the data. A claim saves work and repeated messages;
 * nothing is corrupted where two servers do the same, which happens if one of them stands still for longer than its claim.
 */
export interface ChoreStore {
  /** Whether other servers may use the data too: what they leave undone when they die must then be looked for. */
  readonly isShared: boolean
  /**
   * Claims a chore for this server for so many milliseconds by the clock of the data; renews a claim that it has. `false`:
   * another server has it. Where the data has only one server, it has every chore.
   */
  claim(chore: string, leaseMs: number): Promise<boolean>
  /** Ends this server's claim: the chore is done. */
  release(chore: string): Promise<void>
  /** Chores whose claims have run out: their servers have died or stopped before these were done. */
  abandoned(): Promise<string[]>
}

/** For data that only one server uses. */
export const ALONE: ChoreStore = {
  isShared: false,
  claim: () => Promise.resolve(true),
  release: () => Promise.resolve(),
  abandoned: () => Promise.resolve([]),
}
