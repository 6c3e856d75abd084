import type { AuditAction, AuditEntry } from '@normwatch/protocol'

/** An entry as stored. `at` is in milliseconds since 1970. */
export interface StoredAuditEntry extends Omit<AuditEntry, 'at'> {
  readonly at: number
}
/** What is recorded; the store gives the number and the hash. Texts longer than `AUDIT_TEXTS` are cut. */
export type AuditRecord = Omit<StoredAuditEntry, 'number' | 'hash'>

/** The ends of the chain. */
export interface AuditHead {
  /** Number and hash of the newest entry; 0 and `NO_HASH` before the first. */
  readonly last: number
  readonly hash: string
  /** Entries up to this number have expired, and its hash: the first one kept is chained to it. */
  readonly anchor: number
  readonly anchor_hash: string
}

export interface AuditFilter {
  /** Id or name of the actor. */
  readonly who?: string | undefined
  readonly action?: AuditAction | undefined
  readonly project?: string | undefined
  /** Milliseconds since 1970, both inclusive. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export interface AuditQuery extends AuditFilter {
  readonly limit: number
  /** From the page before; a malformed one throws `BadCursor`. */
  readonly cursor?: string | undefined
}

/**
 * The audit log: entries are added at its end and removed from its beginning, never changed. Another process (the command
 * line, another server) may add entries too: the chain has one order.
 */
export interface AuditStore {
  /** Adds an entry at the end of the chain. */
  record(record: AuditRecord): Promise<StoredAuditEntry>
  /** Newest first. */
  list(query: AuditQuery): Promise<{ entries: StoredAuditEntry[]; next_cursor: string | null }>
  /** Entries whose number is above `after`, the oldest first, at most `limit`. */
  read(after: number, limit: number, filter?: AuditFilter): Promise<StoredAuditEntry[]>
  head(): Promise<AuditHead>
  /**
   * Removes entries from the beginning of the chain that are older than `before` (milliseconds since 1970), at most
   * `limit`, and moves the anchor behind them. Resolves with how many were removed.
   */
  expire(before: number, limit: number): Promise<number>
}
