import type { Clip } from '@normwatch/protocol'

/** The beginning of a file (64 KiB at most), as bytes and as text; bytes that are no UTF-8 show as U+FFFD. */
export interface Head {
  readonly bytes: Uint8Array
  readonly text: string
}

/** How a log says that its training clips: as Normwatch knows it, or in another way, such as `clip_mode agc`. */
export type LogClip = Clip | { readonly mode: 'other'; readonly by: string }

export type SqlRow = Readonly<Record<string, unknown>>

/** A log as it comes in. Each log is read once, by one of these. */
export interface LogStream {
  /** The file's path with `/` between its folders, or what else it is called. */
  readonly name: string
  /** Its bytes, a chunk at a time, unpacked where the file was gzipped. */
  bytes(): AsyncIterable<Uint8Array>
  /** Its text in chunks. Throws `LogRefused` at a byte that is not UTF-8 or is NUL. */
  text(): AsyncIterable<string>
  /**
   * Its lines without their ends, those of a chunk at a time; a progress bar's `\r` ends a line too. Lines over 4 Mi
   * characters are left out.
   */
  lines(): AsyncIterable<readonly string[]>
  /** All of it, for formats whose index stands at the end. Throws `LogRefused` above 128 MiB. */
  whole(): Promise<Uint8Array>
  /**
   * The rows of an SQL query over an SQLite file, some at a time; `?` in it stands for the values. Throws `LogRefused` in a
   * browser, and where the file is broken.
   */
  query(sql: string, ...values: readonly string[]): AsyncIterable<readonly SqlRow[]>
}

/** One tool's log format. A reader never throws on an unknown line: it skips it. */
export interface Format {
  /** What `--format` takes, such as `hf-console`. */
  readonly name: string
  /** Its display name. */
  readonly title: string
  /** How surely a file is in this format, 0 (not at all) to 1, from the file's beginning and its path. */
  score(head: Head, path: string): number
  /** Reads the log to its end and writes what it holds to `log`. */
  read(stream: LogStream, log: LogWriter): Promise<void>
  /** What files of one run have in common, such as their folder, where a run may fill several files. */
  runOf?(path: string): string
  /** Of a run's files the longest holds what the others do, as the last checkpoint does. */
  readonly longestHoldsAll?: true
  /** The tool rewrites the whole file when it grows, so following it means reading it again. */
  readonly isRewritten?: true
}

export type Readings = Iterable<readonly [name: string, value: number]>

/** What a format writes to. Files that turn out to be of one run share a writer. */
export interface LogWriter {
  /** What the caller asked for. */
  readonly options: ReadOptions
  /** The run of this id, or the one that is read now. */
  run(id?: string): RunWriter
  /** The run that goes by this name in the log: names of other logs may be the same. */
  runNamed(name: string): RunWriter
  /** What follows belongs to another run, the next in this log. */
  nextRun(): RunWriter
  /**
   * A cap that stands in the log: for the run of the next row, if it has none yet, and for those after it until another is
   * found. See `PrintedCaps`.
   */
  cap(clip: LogClip, foundIn: string, part?: string): void
  /** Adds a note for people, once: what was left out, renamed or assumed. */
  note(sentence: string): void
}

export interface RunWriter {
  /**
   * Adds the readings of one step: names as the log has them, or Normwatch's own. `time` in Unix seconds, NaN where the
   * log has none. A step that goes back is a restart or a resume: see `RunDraft`.
   */
  add(step: number, time: number, readings: Readings): void
  /** The same for one reading, for logs with a record for each. */
  addReading(step: number, time: number, name: string, value: number): void
  /**
   * Adds one reading of a series that the log keeps apart from the others, as MLflow does: rows are made of them when all
   * are read. Of one step the reading that came last counts.
   */
  put(step: number, time: number, name: string, value: number): void
  /** Settings of the training that the log holds. */
  config(settings: Readonly<Record<string, unknown>>): void
  named(name: string): void
  cap(clip: LogClip, foundIn: string, part?: string): void
  event(step: number, label: string): void
}

/** Options of an import. */
export interface ReadOptions {
  /** The cap of every run, whatever the log says. */
  readonly maxNorm?: number
  /** The metric that is the norm before clipping. */
  readonly norm?: string
  /** A metric that is the norm after clipping. */
  readonly postClip?: string
  /** The log's names of the step and of Normwatch's metrics: `{step: 'iter', grad_norm: 'gn'}`. */
  readonly map?: Readonly<Record<string, string>>
}

/** A file that cannot be imported; the message says why, and at which byte or line. */
export class LogRefused extends Error {
  override readonly name = 'LogRefused'
}
