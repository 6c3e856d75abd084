import type { Clip, PointColumns } from '@normwatch/protocol'

/** A run read from another tool's log, ready to be sent. */
export interface ImportedRun {
  /** The same whenever the same run is read again. */
  readonly id: string
  readonly name: string
  /** The name of the format it was read from. */
  readonly format: string
  /** How the run clipped, where the log says so. */
  readonly clip?: Clip
  /** Where the cap was found, in words; `undefined` without one. */
  readonly capFoundIn?: string
  /** The log's name of the norm that is judged, where it has one, and those of norms that are kept but not judged. */
  readonly norm?: string
  readonly otherNorms: readonly string[]
  /** Streams of gradients within the run (actor, critic), each with a norm of its own. */
  readonly parts: readonly ImportedPart[]
  readonly layers: readonly string[]
  readonly points: PointColumns
  /** Rows of `points`. Known also where the points were sent while the log was read, and `points` is empty. */
  readonly rows: number
  readonly firstStep: number | undefined
  readonly lastStep: number | undefined
  /** Where the training was resumed, and what else the log tells of. */
  readonly events: readonly ImportedEvent[]
  /** Readings of norms and losses that are NaN or infinite. */
  readonly nonfinite: { readonly grad_norm: number; readonly loss: number }
  readonly config: Readonly<Record<string, unknown>>
  /** Notes for people: what was left out, renamed or assumed, one sentence each. */
  readonly notes: readonly string[]
}

export interface ImportedPart {
  readonly name: string
  readonly clip?: Clip
}

export interface ImportedEvent {
  readonly step: number
  readonly label: string
}
