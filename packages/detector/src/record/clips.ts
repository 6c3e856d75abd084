import { clippedAbove, isClipped, type ClipRule } from './clipped-step.ts'
import type { Reading } from '../contract.ts'
import type { Fold } from './fold.ts'
import { referenceBlocks } from './norms.ts'
import { push, recent } from '../series/ring.ts'
import { BLOCK, KEPT, type Clips } from './state.ts'
import { windowSize } from '../settings/settings.ts'

/** What clipping took off a step, 1 - coefficient, is kept in millionths: 0 where it took nothing. */
const MILLION = 1e6

/** The cap that the norm of this step is judged by, or `undefined` without one; `Infinity` clips nothing. */
export function capOf(reading: Reading, fold: Fold): number | undefined {
  if (reading.cap !== undefined && reading.cap > 0) return reading.cap
  const { state } = fold
  if (reading.cap === undefined && state.cap !== null && state.newest.cap === reading.step) return state.cap
  return capOfRun(fold.clipRule)
}

/** The run's own cap: of clipping by norm, or the reference cap of a run that only logs; `undefined` without one. */
export function capOfRun(rule: ClipRule): number | undefined {
  return rule.by === 'norm' && rule.cap < Infinity ? rule.cap : undefined
}

/** The cap that the newest norm was judged by. */
export function capInForce({ state, clipRule }: Fold): number | undefined {
  const { newest, cap } = state
  return cap !== null && newest.cap === newest.gradNorm ? cap : capOfRun(clipRule)
}

/** Takes in a finite norm, before clipping, that is judged by a cap. */
export function addNorm(fold: Fold, norm: number, cap: number): void {
  // Rounded up, so that a clipped step never reads as an unclipped one.
  add(fold, norm > clippedAbove(cap) ? Math.ceil((1 - cap / norm) * MILLION) || 1 : 0)
}

/** Takes in a share of clamped elements, where the run clips by value. */
export function addFraction(fold: Fold, fraction: number): void {
  if (fold.clipRule.by === 'norm') return
  const clipped = isClipped(fold.clipRule, undefined, undefined, fraction)
  // Clipping by value has no one coefficient: that it took something is all that is kept.
  if (clipped !== undefined) add(fold, clipped ? 1 : 0)
}

/** Share of clipped points in the window; NaN before the first one. */
export function clipRate(clips: Clips): number {
  return clips.clipped / clips.size
}

/** Mean of min(1, cap / norm) over the window, or `null` where no point of it has one. */
export function meanCoefficient(fold: Fold): number | null {
  const { clips } = fold.state
  if (fold.facts.clip.mode === 'value' || clips.size === 0) return null
  return 1 - clips.takenOff / clips.size / MILLION
}

/** Length in steps of the current uninterrupted clipping, both ends included. */
export function currentStreak(clips: Clips): number {
  return clips.streakFrom === null ? 0 : clips.streakTo - clips.streakFrom + 1
}

function add(fold: Fold, takenOff: number): void {
  const { clips } = fold.state
  const clipped = takenOff > 0
  const target = windowSize(++clips.seen, fold.settings)
  while (clips.size >= target) leave(clips, recent(clips.window, clips.size - 1), fold)
  push(clips.window, KEPT, takenOff)
  clips.size++
  clips.takenOff += takenOff
  if (clipped) clips.clipped++
  if (clipped && clips.seen <= fold.settings.window.min) clips.firstClipped++
  if (!clipped) clips.streakFrom = null
  else {
    clips.streakFrom ??= fold.step
    clips.streakTo = fold.step
    clips.longest = Math.max(clips.longest, currentStreak(clips))
  }
}

/** The oldest point of the window becomes part of the past: of a block of five, and of the reference. */
function leave(clips: Clips, takenOff: number, fold: Fold): void {
  const clipped = takenOff > 0
  clips.size--
  clips.takenOff -= takenOff
  if (clipped) clips.clipped--
  const { open } = clips
  open.points++
  if (clipped) open.clipped++
  clips.settled++
  if (open.points < BLOCK) return
  if (clips.settled >= BLOCK) {
    const allowed = referenceBlocks(clips.seen, fold)
    while (clips.reference >= allowed) clips.referenceClipped -= recent(clips.blocks, --clips.reference)
    clips.reference++
    clips.referenceClipped += open.clipped
  }
  push(clips.blocks, KEPT, open.clipped)
  open.points = 0
  open.clipped = 0
}
