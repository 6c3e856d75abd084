import type { Moved } from '../contract.ts'
import type { Fold } from '../record/fold.ts'
import { isLoss, isLr, isPace } from '../record/metric-names.ts'
import { clipRate, meanCoefficient } from '../record/clips.ts'
import { fromLog, logFactor } from '../series/log-scale.ts'
import { familyOf } from './optimizer.ts'
import { figure, logFigure, stepsBefore } from './figures.ts'
import { isChange } from './noted-event.ts'
import { lossTrend, newestNorms, normsBeside } from './trends.ts'
import { findLevelChange } from '../series/change-point.ts'
import { heldBefore } from '../series/held.ts'
import { lastOf } from '../series/ring.ts'
import { median, rankCorrelation } from '../series/statistics.ts'
import { KEPT } from '../record/state.ts'
import { REFUTED, type Around, type AroundCheck, type CauseCheck, type CauseRecord } from './cause.ts'

/** From here on a rank correlation is more than the common drift of two noisy series. */
const FOLLOWS = 0.6
/** An lr that has moved by less than this over the window cannot be followed. */
const LR_STEP = 1.05
const LR_MOVED = logFactor(LR_STEP)
/** The norm has risen since lr's highest. */
const ROSE = logFactor(2)
/** Points with a steady norm after which the same lr is a weak explanation for a change of the norm. */
const LONG_FINE = 20

/** The norm goes up and down with lr, or went up once lr stood at its highest. */
export const lrTooHigh: CauseRecord = {
  title: 'Learning rate too high',
  seen: 'rank correlation of norm and lr over the window ≥ 0.6 (lr having moved by 5%), or the median norm twice what it was when lr reached its highest, 20 points ago or more. Heavier with a rising or rough loss and with SGD, where clipping scales the step; not with a loss that falls smoothly. Half as heavy if the norm had been steady at no lower lr for 20 points before it rose, or rose more than 200 points ago; and not at all if another metric moved, or something was changed, with the norm or before it. Or lr rose by 5% or more, with the norm or before it',
  check,
  around,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { lr } = fold.state
  if (lr.seen === 0) return undefined
  const follows = followsLr(fold)
  const rose = roseAfterPeak(fold)
  const evidence = [follows, rose?.sentence, rose?.doubt].filter((sentence) => sentence !== undefined)
  if (evidence.length === 0) return undefined
  const trend = lossTrend(fold)
  // In a run that learns smoothly lr, norm and loss go down together: that is training, not a fault.
  if (trend?.direction === 'falling' && !trend.isRough) return undefined
  let weight = follows !== undefined && rose !== undefined ? 0.5 : 0.4
  if (trend?.direction === 'rising') {
    weight += 0.3
    evidence.push(`the loss rose from ${figure(trend.from)} to ${figure(trend.to)}`)
  } else if (trend?.isRough) {
    weight += 0.15
    evidence.push(`the loss is rough (it moves by ${figure(trend.noise)} from point to point)`)
  }
  const family = familyOf(fold)
  const scaling = family === 'sgd' ? sgdScaling(fold) : undefined
  if (scaling !== undefined) {
    weight += 0.1
    evidence.push(scaling)
  }
  // What has long gone well at this lr does not end because of it alone.
  if (follows === undefined && rose?.doubt !== undefined) weight /= 2
  return {
    weight,
    because: `${evidence.join('; ')}.`,
    look_at:
      family === 'adaptive'
        ? 'A run with a lower peak lr or a longer warm-up; with an adaptive optimiser the steps are as long as lr says, whatever clipping does.'
        : 'A run with a lower peak lr or a longer warm-up, compared on loss and roughness.',
  }
}

/** lr was set higher, and the norm left its level; or lr had long been as high, and something else moved first. */
function around({ moved, events, readingsAtLr }: Around): ReturnType<AroundCheck> {
  const lr = moved.find(
    ({ metric, lead, ratio }) => isLr(metric) && lead <= 0 && ratio !== null && ratio >= LR_STEP,
  )
  if (lr === undefined) {
    const isElse = moved.some(isEarlier) || events.some(({ label }) => isChange(label))
    return isElse && readingsAtLr >= LONG_FINE ? REFUTED : undefined
  }
  return {
    weight: 0.7,
    because: `The learning rate ${lr.metric} rose from ${figure(lr.before)} to ${figure(lr.after)} at step ${lr.at_step}, ${stepsBefore(-lr.lead)}.`,
    look_at: 'The same run without this rise of lr, or with a slower one.',
  }
}

/** Moved before the norm, or with it, and neither is lr nor follows from changed gradients, as the loss and the time of a step do. */
const isEarlier = ({ metric, lead }: Moved): boolean =>
  lead <= 0 && !isLr(metric) && !isLoss(metric) && !isPace(metric)

function followsLr(fold: Fold): string | undefined {
  const { norms, others } = normsBeside(fold, 'lr')
  if (others.length < fold.settings.window.judge_at_end_from) return undefined
  if (Math.max(...others) - Math.min(...others) < LR_MOVED) return undefined
  const correlation = rankCorrelation(norms, others)
  if (!(correlation >= FOLLOWS)) return undefined
  return `the norm has followed lr over ${others.length} points (rank correlation ${figure(correlation)})`
}

/** The norm has risen since lr's highest; `doubt`: the same lr went well for long before. */
function roseAfterPeak(fold: Fold): { sentence: string; doubt: string | undefined } | undefined {
  const { lr, norms } = fold.state
  const atPeak = lr.normAtMax ?? norms.first
  if (atPeak === null || norms.size === 0) return undefined
  const newest = newestNorms(fold)
  const now = median(newest)
  if (lr.sinceMax < fold.settings.warm_up.lr_points || now - atPeak < ROSE) return undefined
  const sentence = `the median norm rose from ${logFigure(atPeak)} to ${logFigure(now)} (last ${newest.length} points) after lr had reached its highest, ${logFigure(lr.max)}`
  return { sentence, doubt: doubt(fold) }
}

/** Says that the norm had been at its earlier level, with lr as high as now, for a long time; or that it rose long ago. */
function doubt({ state: { norms } }: Fold): string | undefined {
  const lrs = lastOf(norms.lr, KEPT)
  const change = findLevelChange(lastOf(norms.log, lrs.length))
  if (change === undefined || change.by < 0)
    return norms.seen > KEPT ? `but it rose more than ${KEPT} points ago` : undefined
  const fine = heldBefore(lrs.map(fromLog), change.start, LR_STEP)
  return fine < LONG_FINE ? undefined : `but it had been steady for ${fine} points at no lower lr before`
}

/** With SGD the step is lr × coefficient × gradient: clipping is all that holds the step. */
function sgdScaling(fold: Fold): string | undefined {
  const coefficient = meanCoefficient(fold)
  const { clips, lr } = fold.state
  if (coefficient === null || !(clipRate(clips) > 0)) return undefined
  return `clipping scales the steps by ${figure(coefficient)} on average, so the effective lr is about ${figure(coefficient * fromLog(lr.last))}`
}
