import { capOfRun } from '../clipping.ts'
import type { Cause } from '../contract.ts'
import type { Fold } from '../fold.ts'
import { OCTAVE, toLog } from '../log-scale.ts'
import { figure, logFigure, normsBeside } from './record.ts'
import { median, rankCorrelation } from './statistics.ts'

/** Scalers start far above 2^8; a norm that changes by less has everyday causes. */
const EIGHT_OCTAVES = 8 * OCTAVE
const FOLLOWS = 0.6

/** The norm was taken from gradients still multiplied by the loss scale. */
export function notUnscaled(fold: Fold): Cause | undefined {
  const { scale } = fold.state
  const evidence: string[] = []
  let weight = 0
  const { norms, others } = normsBeside(fold, 'scale')
  const typical = median(norms)
  const typicalScale = median(others)
  const unscaled = median(norms.map((norm, i) => norm - (others[i] as number)))
  const usual = usualSize(fold)
  if (scale.seen > 0 && typicalScale >= EIGHT_OCTAVES) {
    const correlation = varies(others) ? rankCorrelation(norms, others) : NaN
    if (correlation >= FOLLOWS) {
      weight += 0.5
      evidence.push(
        `the norm follows the loss scale over ${others.length} points (rank correlation ${figure(correlation)})`,
      )
    }
    if (
      usual !== undefined &&
      typical - usual.log >= EIGHT_OCTAVES &&
      Math.abs(unscaled - usual.log) < EIGHT_OCTAVES
    ) {
      weight += 0.6
      evidence.push(
        `the median norm, ${logFigure(typical)}, is ${logFigure(typical - usual.log)} times ${usual.name}; divided by the loss scale in force it is ${logFigure(unscaled)}`,
      )
    }
  } else if (scale.seen === 0 && usual?.isPast) {
    const now = fold.window.median()
    const octaves = (now - usual.log) / OCTAVE
    if (octaves >= 8 && Math.abs(octaves - Math.round(octaves)) < 0.1) {
      weight += 0.4
      evidence.push(
        `the median norm, ${logFigure(now)}, is ${logFigure(now - usual.log)} times ${usual.name}: close to 2^${Math.round(octaves)}, as a loss scale would be`,
      )
    }
  }
  if (evidence.length === 0) return undefined
  return {
    cause: 'not_unscaled',
    weight: Math.min(weight, 0.95),
    because: `${evidence.join('; ')}.`,
    look_at:
      'Whether the gradients are unscaled (scaler.unscale_(optimizer)) before the norm is taken and clipped.',
  }
}

/** What the norm is measured against: its own past where there is one, else the cap. */
function usualSize(fold: Fold): { log: number; name: string; isPast: boolean } | undefined {
  if (fold.reference.size > 0) {
    const log = fold.reference.median()
    return { log, name: `what it was before (${logFigure(log)})`, isPast: true }
  }
  const cap = capOfRun(fold.facts.clip)
  return cap === undefined ? undefined : { log: toLog(cap), name: `the cap (${figure(cap)})`, isPast: false }
}

/** Whether the scale has moved by an octave or more. */
function varies(scales: readonly number[]): boolean {
  return Math.max(...scales) - Math.min(...scales) >= OCTAVE
}
