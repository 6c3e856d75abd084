/** The public types of the SDK. They import nothing, so that the built declarations need no other file. */

/** Where readings go. `online`: to the server. `offline`: to the spool, until a sync. `disabled`: nowhere. */
export type Mode = 'online' | 'offline' | 'disabled'

/** Options of `init`. If left out, an option comes from the environment variable named here, else it has the default. */
export interface InitOptions {
  /** Default: `NORMWATCH_PROJECT`, else the server's project `default`. */
  readonly project?: string | undefined
  /** Default: the id. */
  readonly name?: string | undefined
  /** The cap when clipping by global norm. */
  readonly maxNorm?: number | undefined
  /** The cap on the absolute value of every element when clipping by value. Cannot be combined with `maxNorm`. */
  readonly clipValue?: number | undefined
  /** 1 to 64 characters of `A–Z a–z 0–9 . _ -`. Default: `NORMWATCH_RUN_ID`, else a new id. */
  readonly id?: string | undefined
  /** Continues the run `id` after its last step; its status becomes `running` again. In a browser, this needs `fromStep`. */
  readonly resume?: boolean | undefined
  /** The first step of this process. With `resume`, every stored point from this step on is deleted. */
  readonly fromStep?: number | undefined
  readonly config?: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown> | undefined
  readonly tags?: readonly string[] | undefined
  readonly notes?: string | undefined
  /** The optimiser's name, such as `adamw`. It is used in hints about the learning rate. */
  readonly optimizer?: string | undefined
  /**
   * `http://host:4280` or `unix:/path`. Default: `NORMWATCH_URL`, else this user's own server, else
   * `http://127.0.0.1:4280`.
   */
  readonly url?: string | undefined
  /** Default: `NORMWATCH_TOKEN`, else none. */
  readonly token?: string | undefined
  /** Default: `NORMWATCH_MODE`, else `online`. */
  readonly mode?: Mode | undefined
  /** Folder for readings that could not be sent yet. Default: `NORMWATCH_SPOOL`, else `~/.cache/normwatch/spool`. Node only. */
  readonly spoolDir?: string | undefined
  /** Throw a `TypeError` for wrong use instead of printing a warning. */
  readonly strict?: boolean | undefined
}

/** Any number, including NaN and ±Infinity. `null` and `undefined` mean no reading. */
export type ReadingValue = number | null | undefined
/** Names the batch of a step: a text, ids, or a function that returns them and is only called if they are needed. */
export type BatchName = string | number | ArrayLike<string | number> | (() => unknown)
export type LayerNorms = Readonly<Record<string, ReadingValue>>

/** The readings of one step. Any other number is kept as a metric under its own name. */
export interface Readings {
  /** Default: counted by the SDK. */
  readonly step?: ReadingValue
  /** Unix seconds. Default: now. */
  readonly time?: ReadingValue
  /** Global L2 norm before clipping. */
  readonly gradNorm?: ReadingValue
  readonly loss?: ReadingValue
  readonly lr?: ReadingValue
  /** The cap of this step, if the cap changes during training. */
  readonly maxNorm?: ReadingValue
  /** Share of elements that were clamped by clipping by value, 0 to 1. */
  readonly clipFraction?: ReadingValue
  readonly maxAbsGrad?: ReadingValue
  /** Global norm after clipping. */
  readonly postNorm?: ReadingValue
  readonly lossScale?: ReadingValue
  /** 1 when the optimiser skipped this step, else 0. */
  readonly skipped?: ReadingValue
  /** Share of gradient elements that are exactly 0. */
  readonly zeroFraction?: ReadingValue
  /** Norm by layer. */
  readonly layers?: LayerNorms | null | undefined
  readonly [metric: string]: ReadingValue | LayerNorms
}

export interface LogOptions {
  /**
   * The batch of this step. It is sent, as an event, only if the norm of this step is suspicious or that of a step at most
   * two steps away.
   */
  readonly batch?: BatchName | undefined
}

/** `preempted`: stopped by the job scheduler, which will run it again later. */
export type RunStatus = 'finished' | 'failed' | 'preempted'

export interface FlushOptions {
  /** Milliseconds to wait for the server at the most; default 10,000. */
  readonly timeoutMs?: number | undefined
}

export interface FinishOptions {
  /** Milliseconds to wait for the server at the most; default 10,000. */
  readonly timeoutMs?: number | undefined
  /** Default `finished`. */
  readonly status?: RunStatus | undefined
}

/** What happened to the readings, in points. All are stored on the server if `unsent`, `refused` and `lost` are 0. */
export interface FinishReport {
  readonly sent: number
  /** Not sent yet, but kept in `spool` for a later sync. */
  readonly unsent: number
  /** Refused by the server and kept in `refusedFile`. */
  readonly refused: number
  /** Neither sent nor kept, because memory was full or no spool could be written. */
  readonly lost: number
  /** Calls and readings that `log` refused as wrong use, with one warning per kind. Not included in the counts above. */
  readonly invalid: number
  /** The file that holds the unsent points, or `null`. */
  readonly spool: string | null
  /** The file that holds the refused points with the server's reason, or `null`. */
  readonly refusedFile: string | null
}

/** How a part clips. If left out, a known part keeps its cap and a new part does not clip. */
export interface PartOptions {
  /** The cap when this part clips by its norm. */
  readonly maxNorm?: number | undefined
  /** The cap on the absolute value of every element when this part clips by value. Cannot be combined with `maxNorm`. */
  readonly clipValue?: number | undefined
  readonly optimizer?: string | undefined
}

/** A part of a run, with its own step counter. */
export interface Part {
  readonly name: string
  /** Like the run's `log`, for readings of this part. Log `layers` and other metrics with the run. */
  log(readings: PartReadings): void
}

/** The readings of one step of a part. */
export type PartReadings = Pick<
  Readings,
  | 'step'
  | 'time'
  | 'gradNorm'
  | 'loss'
  | 'lr'
  | 'maxNorm'
  | 'clipFraction'
  | 'maxAbsGrad'
  | 'postNorm'
  | 'lossScale'
  | 'skipped'
  | 'zeroFraction'
>

export interface EventOptions {
  /** Defaults to the newest step of the run. */
  readonly step?: number | undefined
  /** Unix seconds; defaults to now. */
  readonly time?: number | undefined
  /** At most 2,048 characters. */
  readonly text?: string | undefined
}

/** A training run that is being recorded. Its methods never reject, and they throw only with `strict`. */
export interface Run {
  readonly id: string
  /** Address of the run's page. */
  readonly url: string
  /** Records the readings of a step and returns at once. They are sent in the background. */
  log(readings: Readings, options?: LogOptions): void
  /**
   * A part of this run with its own gradients, such as a GAN's generator. It has its own norm and cap, and the server checks
   * it separately. The same name gives the same part.
   */
  part(name: string, options?: PartOptions): Part
  /**
   * Marks that something happened at a step, such as a restored checkpoint or a new stage. A second event with the same step
   * and label replaces the first.
   */
  event(label: string, options?: EventOptions): void
  /** Sends what was logged so far. Resolves to whether the server has all of it. The default time-out is 10 s. */
  flush(options?: FlushOptions): Promise<boolean>
  /** Sends the rest, sets the run's status and reports what could not be sent. */
  finish(options?: FinishOptions): Promise<FinishReport>
}

export interface SyncOptions {
  /**
   * Default: `NORMWATCH_URL`, else the address that each file names. This user's own server is used if a file names only the
   * default address.
   */
  readonly url?: string | undefined
  /** Default: `NORMWATCH_TOKEN`, else none. */
  readonly token?: string | undefined
  /** Default: `NORMWATCH_SPOOL`, else `~/.cache/normwatch/spool`. */
  readonly spoolDir?: string | undefined
  /** Also send files whose writers still run. */
  readonly all?: boolean | undefined
}

/** The result of a sync, in points. */
export interface SyncReport {
  readonly sent: number
  /** Refused by the server; kept in refused files. */
  readonly refused: number
  /** Files that still hold unsent readings, because the server was unreachable or the writer still runs. */
  readonly filesLeft: readonly string[]
}
