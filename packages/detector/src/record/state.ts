import type { FindingKind } from '../contract.ts'
import { newRepeats, pushRepeat, type Repeats } from '../series/repeats.ts'
import { lastOf, newRing, type Ring } from '../series/ring.ts'

/**
 * All that the detector remembers of a run: plain JSON of bounded size (16 KB at the most), without non-finite numbers,
 * so that `JSON.parse(JSON.stringify(state))` goes on exactly where the original would. Its fields are the detector's
 * own: store it whole, read nothing from it. A kind of finding that remembers something adds its field in its own file.
 */
export interface DetectorState extends KindMemories {
  readonly version: typeof STATE_VERSION
  /** The newest step judged of each metric, -1 before the first: readings at or below it are late. */
  readonly newest: {
    gradNorm: number
    loss: number
    lr: number
    cap: number
    clipFraction: number
    postNorm: number
    lossScale: number
    skipped: number
    zeroFraction: number
    layers: number
  }
  /** The newest step with any reading, and its time in Unix seconds. */
  step: number
  time: number | null
  /** Milliseconds between readings. */
  readonly intervals: Ring
  /** The newest cap logged as a metric; it holds for its own step only. */
  cap: number | null
  readonly lr: {
    seen: number
    last: number
    max: number
    rose: boolean
    sinceMax: number
    normAtMax: number | null
  }
  readonly scale: {
    seen: number
    value: number
    last: number
    readonly changes: { step: number; to: number }[]
  }
  readonly zeros: { seen: number; first: number; readonly recent: Ring }
  layer: { name: string; share: number; streak: number } | null
  readonly norms: Norms
  readonly clips: Clips
  readonly losses: Losses
  /** `unknown` until it can be judged, then `on` (there is one) or `over`; `steady` looks in a row say that it is, the first at `overAt`, in clip points; `at` is the last point looked at. */
  readonly warmUp: {
    phase: 'unknown' | 'on' | 'over'
    steady: number
    overAt: number
    at: number
    /** The first step with a norm or a clipped fraction. */ start: number | null
  }
  readonly kinds: Record<FindingKind, KindState>
  /** How the run ended, and whether it was flagged then; `null` while it runs. */
  ended: { status: 'finished' | 'failed' | 'preempted'; flagged: boolean } | null
}

/** What the kinds of findings remember: the file of each adds its fields. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the kinds fill it
export interface KindMemories {}

export interface KindState {
  phase: 'inactive' | 'pending' | 'firing'
  since: number | null
  /** In points of what the kind counts: when it became pending. */
  from: number
  /** How often it has opened. */
  opened: number
}

/** Finite norms on the log scale; beside them, newest to newest, the lr and the loss scale in force, from their first reading on. */
interface Norms {
  seen: number
  /** How many of the newest belong to the window. */
  size: number
  readonly log: Ring
  /** The step of the newest, and how many steps after the one before each was logged. */
  lastStep: number
  readonly gaps: Repeats
  readonly lr: Ring
  readonly scale: Repeats
  /** Older ones, five to a block: the block's median; and the running loss at every fourth block. */
  readonly blocks: Ring
  blocksSeen: number
  readonly pastLosses: Ring
  readonly open: number[]
  /** How many that left the window count for the reference (below 0: still to be passed over), and its blocks. */
  settled: number
  reference: number
  /** Median of the first ten. */
  first: number | null
}

/** Steps that could be judged for clipping: what clipping took off, in millionths (0: not clipped). */
export interface Clips {
  seen: number
  size: number
  readonly window: Ring
  /** Of the window. */
  clipped: number
  takenOff: number
  /** Older ones, five to a block: how many were clipped. */
  readonly blocks: Ring
  readonly open: { points: number; clipped: number }
  settled: number
  reference: number
  referenceClipped: number
  /** Clipped among the first `window.min`. */
  firstClipped: number
  /** First and newest step of the current uninterrupted clipping. */
  streakFrom: number | null
  streakTo: number
  longest: number
}

export interface Losses {
  seen: number
  size: number
  readonly values: Ring
  positive: boolean
  start: number | null
  lowest: number
}

const STATE_VERSION = 3

/** Norms in one block. */
export const BLOCK = 5
/** Blocks for one loss of the past. */
export const BLOCKS_A_LOSS = 4
/** Rows of steps that are logged at the same distance; of a log less regular, fewer of its steps are kept. */
const GAP_ROWS = 56
/** Rows of norms at the same loss scale: a scaler changes it seldom. */
const SCALE_ROWS = 12
/** A longer gap is kept as 0: the steps before it are not known any more. */
const LONGEST_GAP = 999_999
/** Values kept: the largest window that the settings allow. */
export const KEPT = 200

/** The state of a run before its first reading; `kinds` are those that it is judged for, `memories` what they remember. */
export function emptyState(
  kinds: readonly FindingKind[],
  memories: readonly Partial<KindMemories>[],
): DetectorState {
  const none = -1
  return {
    version: STATE_VERSION,
    newest: {
      gradNorm: none,
      loss: none,
      lr: none,
      cap: none,
      clipFraction: none,
      postNorm: none,
      lossScale: none,
      skipped: none,
      zeroFraction: none,
      layers: none,
    },
    step: none,
    time: null,
    intervals: newRing(),
    cap: null,
    lr: { seen: 0, last: 0, max: 0, rose: false, sinceMax: 0, normAtMax: null },
    scale: { seen: 0, value: 0, last: 0, changes: [] },
    zeros: { seen: 0, first: 0, recent: newRing() },
    layer: null,
    norms: {
      seen: 0,
      size: 0,
      log: newRing(),
      lastStep: none,
      gaps: newRepeats(),
      lr: newRing(),
      scale: newRepeats(),
      blocks: newRing(),
      blocksSeen: 0,
      pastLosses: newRing(),
      open: [],
      settled: 0,
      reference: 0,
      first: null,
    },
    clips: {
      seen: 0,
      size: 0,
      window: newRing(),
      clipped: 0,
      takenOff: 0,
      blocks: newRing(),
      open: { points: 0, clipped: 0 },
      settled: 0,
      reference: 0,
      referenceClipped: 0,
      firstClipped: 0,
      streakFrom: null,
      streakTo: none,
      longest: 0,
    },
    losses: { seen: 0, size: 0, values: newRing(), positive: true, start: null, lowest: 0 },
    warmUp: { phase: 'unknown', steady: 0, overAt: 0, at: 0, start: null },
    kinds: Object.fromEntries(
      kinds.map((kind) => [kind, { phase: 'inactive', since: null, from: 0, opened: 0 }]),
    ) as DetectorState['kinds'],
    ...(Object.assign({}, ...memories) as KindMemories),
    ended: null,
  }
}

/** Notes the step of the norm that was taken in last, and the loss scale in force there. */
export function noteStep({ norms, scale }: DetectorState, step: number): void {
  if (norms.lastStep >= 0) {
    const gap = step - norms.lastStep
    pushRepeat(norms.gaps, KEPT - 1, GAP_ROWS, gap > LONGEST_GAP ? 0 : gap)
  }
  norms.lastStep = step
  if (scale.seen > 0) pushRepeat(norms.scale, KEPT, SCALE_ROWS, scale.last)
}

/**
 * A saved state to continue from; `undefined` if it comes from an incompatible version: the run is then judged again
 * from its record.
 */
export function stateFrom(saved: { readonly version: number }): DetectorState | undefined {
  if (saved.version === STATE_VERSION) return saved as DetectorState
  if (saved.version !== 2) return undefined
  // Version 2 kept every step, and every scale.
  const old = saved as Omit<DetectorState, 'norms'> & {
    readonly norms: Omit<Norms, 'gaps' | 'lastStep' | 'scale'> & {
      readonly steps: Ring
      readonly scale: Ring
    }
  }
  const { steps, scale, ...norms } = old.norms
  const state: DetectorState = {
    ...old,
    version: STATE_VERSION,
    norms: { ...norms, lastStep: -1, gaps: newRepeats(), scale: newRepeats() },
  }
  for (const step of lastOf(steps, KEPT)) noteStep({ ...state, scale: { ...state.scale, seen: 0 } }, step)
  for (const log of lastOf(scale, KEPT)) pushRepeat(state.norms.scale, KEPT, SCALE_ROWS, log)
  return state
}
