import type {
  Cause,
  Clip,
  CloseReason,
  Health,
  LayerShift,
  Moved,
  Severity,
  Sibling,
} from '@normwatch/protocol'
import type { FindingKind } from './settings/settings.ts'

/**
 * Input and output of the detector. Plain data only: no clock and no I/O, so the server, a replay and the
 * browser run the same function. Fields that the API shows have the API's types.
 */

export type { FindingKind, Severity, Health, CloseReason, Cause, Clip, LayerShift, Moved, Sibling }

/** The readings of one step; `undefined` where the step has none. Every number may be NaN or ±Infinity. */
export interface Reading {
  step: number
  /** Unix seconds. */
  time: number
  /** Global L2 norm before clipping. */
  gradNorm: number | undefined
  loss: number | undefined
  lr: number | undefined
  /** The cap of this step (`max_norm` logged as a metric); without it the run's cap applies. */
  cap: number | undefined
  /** Share of elements that clipping by value clamped, 0 to 1. */
  clipFraction: number | undefined
  maxAbsGrad: number | undefined
  /** Global norm after clipping. */
  postNorm: number | undefined
  lossScale: number | undefined
  /** 1 when the optimiser skipped this step, else 0. */
  skipped: number | undefined
  /** Share of gradient elements that are exactly 0. */
  zeroFraction: number | undefined
  /** Norm by layer name, when layers are logged. */
  layers: Readonly<Record<string, number>> | undefined
}

/** What the detector knows about the run besides its readings. */
export interface RunFacts {
  readonly clip: Clip
  readonly optimizer: string | null
}

/** Figures from the record that support a finding; numbers may be non-finite. */
export type Evidence = Readonly<Record<string, number | string | null>>

/** A change: a finding opens, or the open finding of its kind closes. At most one finding of a kind is open. */
export type Change =
  | {
      readonly type: 'opened'
      readonly kind: FindingKind
      readonly severity: Severity
      readonly step: number | null
      /** The step at which it began, at or before `step`; `null` if unknown. */
      readonly onset: number | null
      readonly evidence: Evidence
      readonly diagnosis: readonly Cause[]
    }
  | {
      readonly type: 'closed'
      readonly kind: FindingKind
      readonly step: number | null
      readonly reason: CloseReason
    }

/** The verdict after the last reading judged. */
export interface Verdict {
  readonly health: Health
  readonly clipping: {
    /** Points in the window of `rate` and `meanCoefficient`. */
    readonly window: number
    /** Share of clipped points in the window, 0 to 1; `null` before the first one. */
    readonly rate: number | null
    /** Mean of min(1, cap / norm) over the window; `null` without a cap or a finite norm. */
    readonly meanCoefficient: number | null
    /** In steps. */
    readonly currentStreak: number
    /** In steps. */
    readonly longestStreak: number
  }
  /** In warm-up, where clipping is expected and saturation stays pending. */
  readonly warmUp: boolean
  readonly conditions: readonly {
    readonly kind: FindingKind
    readonly severity: Severity
    readonly phase: 'pending' | 'firing'
    readonly sinceStep: number | null
  }[]
}
