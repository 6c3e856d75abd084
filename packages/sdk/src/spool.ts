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

/** Why the server took no item. */
export interface Refusal {
  readonly status: number
  readonly code: string | null
  readonly message: string
}

/** Where a line lies in its file, in bytes. */
export interface Place {
  /** Which file: a sync may send and remove the one, and another begins at the same path. */
  readonly file: number
  readonly offset: number
  readonly length: number
}

/** A file that an earlier process of the same run left. */
export interface Leftover {
  read(): AsyncIterable<OutboxItem>
  /** All of it is settled. */
  remove(): Promise<void>
}

/** The file of one run for items that cannot be sent now. It exists from its first line on. Writing may fail: a full disk. */
export interface Spool {
  readonly path: string
  /** Where `refuse` keeps what the server refused. */
  readonly refusedPath: string
  readonly head: SpoolHead
  append(item: OutboxItem): Promise<Place>
  /** The same without waiting, for the exit of the process. */
  appendNow(item: OutboxItem): void
  /** Rejects with the code `ENOENT` where a sync has sent and removed the file. */
  read(place: Place): Promise<OutboxItem>
  /** Removes the file: everything in it was sent. */
  clear(): Promise<void>
  refuse(item: OutboxItem, refusal: Refusal): Promise<void>
  /** What earlier processes of this run could not send to this server, oldest first. Never rejects. */
  leftovers(): Promise<Leftover[]>
  /** The run has ended: a sync of this process may take the file. */
  release(): void
}
