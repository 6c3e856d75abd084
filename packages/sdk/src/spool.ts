import type { OutboxItem } from './outbox-item.ts'

/** First line of a spool file; see packages/protocol/fixtures. */
export interface SpoolHead {
  readonly normwatch: 1
  readonly url: string
  readonly run: string
  readonly pid: number
  readonly host: string
  /** Body of the run's PUT. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Why the server refused an item. */
export interface Refusal {
  readonly status: number
  readonly code: string | null
  readonly message: string
}

/** The position of a line in its file, in bytes. */
export interface Place {
  /** The number of the file: a sync may send and remove a file, and a new one is then started at the same path. */
  readonly file: number
  readonly offset: number
  readonly length: number
}

/** A file that an earlier process of the same run left. */
export interface Leftover {
  read(): AsyncIterable<OutboxItem>
  /** Removes the file, once all its items are settled. */
  remove(): Promise<void>
}

/** The file of one run for items that cannot be sent now. It is created with its first line. Writes can fail (full disk). */
export interface Spool {
  readonly path: string
  /** The file in which `refuse` keeps what the server refused. */
  readonly refusedPath: string
  readonly head: SpoolHead
  append(item: OutboxItem): Promise<Place>
  /** Appends synchronously, for use at process exit. */
  appendNow(item: OutboxItem): void
  /** Rejects with the code `ENOENT` if a sync has sent and removed the file. */
  read(place: Place): Promise<OutboxItem>
  /** Removes the file: everything in it was sent. */
  clear(): Promise<void>
  refuse(item: OutboxItem, refusal: Refusal): Promise<void>
  /** What earlier processes of this run could not send to this server, oldest first. Never rejects. */
  leftovers(): Promise<Leftover[]>
  /** The run has ended: a sync in this process may now claim the file. */
  release(): void
}
