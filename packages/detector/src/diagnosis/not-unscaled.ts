import { capInForce } from '../record/clips.ts'
import type { Fold } from '../record/fold.ts'
import { OCTAVE, toLog } from '../series/log-scale.ts'
import { figure, logFigure, scaleFigure } from './figures.ts'
import { newestNorms, normsBeside } from './trends.ts'
import { median, rankCorrelation } from '../series/statistics.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'

/** Scalers start far above 2^8; a norm that changes by less has everyday causes. */
const EIGHT_OCTAVES = 8 * OCTAVE
const FOLLOWS = 0.6

/** In octaves: 7 %. One arbitrary ratio in five is as close to a power of two. */
const CLOSE = 0.1

/** The norm was taken from gradients still multiplied by the loss scale. */
export const notUnscaled: CauseRecord = {
  title: 'Gradients clipped before unscaling',
  seen: 'the norm follows the loss scale (rank correlation ≥ 0.6), or is ≥ 2^8 × its past (or the cap) and not so once divided by the scale; without a scale logged, within 7% of a power of two ≥ 2^8 times its past',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const newest = newestNorms(fold)
  if (newest.length === 0) return undefined
  const evidence =
    fold.state.scale.seen > 0
      ? [followsScale(fold), isMultipleOfUsual(fold, newest)].filter((found) => found !== undefined)
      : [isPowerOfTwoTimesThePast(fold, newest)].filter((found) => found !== undefined)
  if (evidence.length === 0) return undefined
  return {
    weight: Math.min(
      0.95,
      evidence.reduce((sum, { weight }) => sum + weight, 0),
    ),
    because: `${evidence.map(({ because }) => because).join('; ')}.`,
    look_at:
      'Whether the gradients are unscaled (scaler.unscale_(optimizer)) before the norm is taken and clipped.',
  }
}

interface Evidence {
  readonly weight: number
  readonly because: string
}

function followsScale(fold: Fold): Evidence | undefined {
  const { norms, others } = normsBeside(fold, 'scale')
  if (others.length < fold.settings.window.judge_at_end_from || !varies(others)) return undefined
  const correlation = rankCorrelation(norms, others)
  if (!(correlation >= FOLLOWS)) return undefined
  return {
    weight: 0.5,
    because: `the norm follows the loss scale over ${others.length} points (rank correlation ${figure(correlation)})`,
  }
}

function isMultipleOfUsual(fold: Fold, newest: readonly number[]): Evidence | undefined {
  const usual = pastSize(fold) ?? capSize(fold)
  const { scale } = fold.state
  if (usual === undefined || scale.last < EIGHT_OCTAVES) return undefined
  const now = median(newest)
  const unscaled = now - scale.last
  if (now - usual.log < EIGHT_OCTAVES || Math.abs(unscaled - usual.log) >= EIGHT_OCTAVES) return undefined
  return {
    weight: 0.6,
    because: `the last ${newest.length} norms, of median ${logFigure(now)}, are ${logFigure(now - usual.log)} times ${usual.name}; divided by the loss scale of ${scaleFigure(scale.value)} they are ${logFigure(unscaled)}`,
  }
}

function isPowerOfTwoTimesThePast(fold: Fold, newest: readonly number[]): Evidence | undefined {
  const past = pastSize(fold)
  if (past === undefined) return undefined
  const now = median(newest)
  const octaves = (now - past.log) / OCTAVE
  const power = Math.round(octaves)
  if (octaves < 8 || Math.abs(octaves - power) >= CLOSE) return undefined
  return {
    weight: 0.4,
    because: `the last ${newest.length} norms, of median ${logFigure(now)}, are ${logFigure(now - past.log)} times ${past.name}: close to 2^${power}, as a loss scale would be`,
  }
}

interface Size {
  readonly log: number
  readonly name: string
}

/** The norm before the change, if the record reaches back that far. */
function pastSize(fold: Fold): Size | undefined {
  if (fold.reference.size === 0) return undefined
  const log = fold.reference.median()
  return { log, name: `what the norm was before (${logFigure(log)})` }
}

function capSize(fold: Fold): Size | undefined {
  const cap = capInForce(fold)
  return cap === undefined ? undefined : { log: toLog(cap), name: `the cap (${figure(cap)})` }
}

/** Whether the scale has moved by an octave or more. */
function varies(scales: readonly number[]): boolean {
  return Math.max(...scales) - Math.min(...scales) >= OCTAVE
}
