import type { Clip, PointColumns } from '@normwatch/protocol'

/** A run read from another tool's log, ready to be posted. */
export interface ImportedRun {
  readonly name: string
  /** How the run clipped, where the log says so. */
  readonly clip?: Clip
  readonly points: PointColumns
  /** What a reader of the numbers should know: what was left out, renamed or assumed, one sentence each. */
  readonly notes: readonly string[]
}

/** One tool's log format. An importer never throws on a line it does not know: it passes over it. */
export interface Importer {
  readonly format: string
  /** Whether the beginning of a log (its first 64 Ki characters are enough) looks like this format. */
  detect(head: string): boolean
  /** Reads the log line by line into `draft`; the lines may come from a stream. */
  read(lines: Iterable<string>, draft: Draft): void
}

/** What an importer writes to. */
export interface Draft {
  clip: Clip | undefined
  /** Adds the readings of one step; `time` in Unix seconds, NaN where the log has none. */
  add(step: number, time: number, readings: Iterable<readonly [string, number]>): void
  /** Adds a note, once. */
  note(sentence: string): void
}
