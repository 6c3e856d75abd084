import { capInForce, meanCoefficient } from '../record/clips.ts'
import type { Fold } from '../record/fold.ts'
import { logFactor, toLog } from '../series/log-scale.ts'
import { familyOf } from './optimizer.ts'
import { figure, logFigure } from './figures.ts'
import { lossTrend, windowNorms } from './trends.ts'
import { lastOf } from '../series/ring.ts'
import { KEPT } from '../record/state.ts'
import { median } from '../series/statistics.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'

/** Halves of the window that differ by less than a quarter: the norm neither settles nor grows. */
const STEADY = logFactor(1.25)

/** Norms before the window that tell where it lay before. */
const FEWEST = 10

/** A steady norm whose tenth percentile is above the cap: clipping acts as a normaliser. */
export const capBelowTypicalNorm: CauseRecord = {
  title: 'The cap is below the typical norm',
  seen: 'halves of the window within 25% of each other, their 10th percentile above the cap, the loss not rising. Light where the norms before the window lay below the cap: then something else raised them',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const cap = capInForce(fold)
  const norms = windowNorms(fold)
  if (cap === undefined || norms.length < fold.settings.window.judge_at_end_from) return undefined
  const half = norms.length >> 1
  const before = median(norms.slice(0, half))
  const after = median(norms.slice(-half))
  const low = fold.window.quantile(0.1)
  const trend = lossTrend(fold)
  if (low <= toLog(cap) || Math.abs(after - before) > STEADY || trend?.direction === 'rising')
    return undefined
  const isSmooth = trend?.direction === 'falling' && !trend.isRough
  const loss =
    trend === undefined
      ? ''
      : `; the loss went from ${figure(trend.from)} to ${figure(trend.to)}${isSmooth ? ', smoothly' : ''}`
  const earlier = lastOf(fold.state.norms.log, KEPT).slice(0, -norms.length)
  const former = earlier.length < FEWEST ? undefined : median(earlier)
  const hasRisen = former !== undefined && former <= toLog(cap)
  return {
    weight: hasRisen ? 0.3 : isSmooth ? 0.6 : 0.4,
    because: `The norm is steady (medians ${logFigure(before)} and ${logFigure(after)} in the halves of the last ${norms.length} points) and its 10th percentile, ${logFigure(low)}, is above the cap of ${figure(cap)}: clipping acts as a normaliser${hasRisen ? ` (the ${earlier.length} norms before lay around ${logFigure(former)}, below it: something else raised them)` : ''}${loss}. ${effect(fold)}`,
    look_at: 'The what-if on the recorded norms, and a second run at another lr: does the loss care?',
  }
}

function effect(fold: Fold): string {
  const coefficient = meanCoefficient(fold)
  if (fold.facts.clip.mode === 'none') return 'The cap is only a reference: nothing was clipped.'
  const family = familyOf(fold)
  if (family === 'adaptive')
    return `With ${fold.facts.optimizer} a constant scale of the gradient nearly cancels, so this is often harmless.`
  if (family === 'sgd' && coefficient !== null)
    return `With ${fold.facts.optimizer} the steps are scaled by ${figure(coefficient)} on average: the effective learning rate is that much lower than lr.`
  return 'With an Adam-like optimiser this is often harmless; with SGD it scales the learning rate.'
}
