/** What users of the SDK see, apart from functions. These types import nothing, so the built declarations stand alone. */

/** Where readings go: to the server, to the spool only (until a sync), or nowhere. */
export type Mode = 'online' | 'offline' | 'disabled'

/** Options of `init`. What is left out comes from the environment, else from the default named here. */
export interface InitOptions {
  /** `NORMWATCH_PROJECT`, else the server's `default`. */
  readonly project?: string | undefined
  /** Defaults to the id. */
  readonly name?: string | undefined
  /** The cap when clipping by global norm. */
  readonly maxNorm?: number | undefined
  /** The cap on every element when clipping by value. Not together with `maxNorm`. */
  readonly clipValue?: number | undefined
  /** 1 to 64 of `A–Z a–z 0–9 . _ -`. `NORMWATCH_RUN_ID`, else one is made. */
  readonly id?: string | undefined
  /** Goes on with the run of this id after its last step: its status becomes `running` again. In a browser with `fromStep` only. */
  readonly resume?: boolean | undefined
  /** The first step of this process; with `resume`, every stored point from this step on is dropped. */
  readonly fromStep?: number | undefined
  readonly config?: Readonly<Record<string, unknown>> | undefined
  readonly tags?: readonly string[] | undefined
  readonly notes?: string | undefined
  /** The optimiser's name, such as `adamw`: a hint on the learning rate names it. */
  readonly optimizer?: string | undefined
  /** `http://host:4280` or `unix:/path`. `NORMWATCH_URL`, else this user's own server, else `http://127.0.0.1:4280`. */
  readonly url?: string | undefined
  /** `NORMWATCH_TOKEN`, else none. */
  readonly token?: string | undefined
  /** `NORMWATCH_MODE`, else `online`. */
  readonly mode?: Mode | undefined
  /** Folder for readings that could not be sent yet. `NORMWATCH_SPOOL`, else `~/.cache/normwatch/spool`. Node only. */
  readonly spoolDir?: string | undefined
  /** Wrong use throws a `TypeError` instead of being a warning. */
  readonly strict?: boolean | undefined
}

/** A number of any kind, NaN and ±Infinity included; `null` and `undefined` mean: no reading. */
export type ReadingValue = number | null | undefined
/** What names the batch of a step: a text, ids, or a function that is called only when its answer is needed. */
export type BatchName = string | number | ArrayLike<string | number> | (() => unknown)
export type LayerNorms = Readonly<Record<string, ReadingValue>>

/** The readings of one step. Any further number is kept as a metric of its name. */
export interface Readings {
  /** Counted by the SDK when it is left out. */
  readonly step?: ReadingValue
  /** Unix seconds; the clock's when it is left out. */
  readonly time?: ReadingValue
  /** Global L2 norm before clipping. */
  readonly gradNorm?: ReadingValue
  readonly loss?: ReadingValue
  readonly lr?: ReadingValue
  /** The cap of this very step, where it changes. */
  readonly maxNorm?: ReadingValue
  /** Share of elements that clipping by value clamped, 0 to 1. */
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
  /** Which batch this step is: sent, as an event, for steps with a suspicious norm and the two steps around them. */
  readonly batch?: BatchName | undefined
}

/** `preempted`: stopped by its scheduler, to be run again later. */
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

/** What became of the readings, in points: all of them are stored when `unsent`, `refused` and `lost` are 0. */
export interface FinishReport {
  readonly sent: number
  /** Not sent yet; kept in `spool` for a later sync. */
  readonly unsent: number
  /** Refused by the server; kept in the spool's refused file. */
  readonly refused: number
  /** Neither sent nor kept: over the memory bound, or no spool could be written. */
  readonly lost: number
  /** Calls and readings that `log` refused as wrong use; a warning named each kind. They are not counted above. */
  readonly invalid: number
  /** The file that holds the unsent ones, or `null`. */
  readonly spool: string | null
  /** The file that holds the refused ones with the server's reason, or `null`. */
  readonly refusedFile: string | null
}

/** How a part clips; what is left out is as it was, or not clipped. */
export interface PartOptions {
  /** The cap when this part clips by its norm. */
  readonly maxNorm?: number | undefined
  /** The cap on every element when this part clips by value. Not together with `maxNorm`. */
  readonly clipValue?: number | undefined
  readonly optimizer?: string | undefined
}

/** A part of a run. Its steps advance by themselves. */
export interface Part {
  readonly name: string
  /** As `log` of the run, for the readings of this part; `layers` and other metrics belong to the run. */
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

/** A training run being recorded. None of its methods rejects or (unless `strict`) throws. */
export interface Run {
  readonly id: string
  /** Address of the run's page. */
  readonly url: string
  /** Takes the readings of a step and returns at once; they are sent in the background. */
  log(readings: Readings, options?: LogOptions): void
  /**
   * One of several streams of gradients in this run, such as a GAN's generator: with a norm, a cap and a judgement of
   * its own. The same name gives the same part.
   */
  part(name: string, options?: PartOptions): Part
  /** Notes that something happened at a step: a checkpoint was restored, a stage began. The same step and label replaces. */
  event(label: string, options?: EventOptions): void
  /** Sends what was logged so far; resolves to whether the server has all of it. Default time-out 10 s. */
  flush(options?: FlushOptions): Promise<boolean>
  /** Sends what is left, sets the run's status and reports what could not be sent. */
  finish(options?: FinishOptions): Promise<FinishReport>
}

export interface SyncOptions {
  /** `NORMWATCH_URL`, else the address that each file names, or this user's own server where that is the default one. */
  readonly url?: string | undefined
  /** `NORMWATCH_TOKEN`, else none. */
  readonly token?: string | undefined
  /** `NORMWATCH_SPOOL`, else `~/.cache/normwatch/spool`. */
  readonly spoolDir?: string | undefined
  /** Also files whose writers are alive. */
  readonly all?: boolean | undefined
}

/** What a sync did, in points. */
export interface SyncReport {
  readonly sent: number
  /** Refused by the server; kept in refused files. */
  readonly refused: number
  /** Files that still hold readings: the server was away, or their writer is alive. */
  readonly filesLeft: readonly string[]
}
