import type { Fold } from '../record/fold.ts'
import { logFactor } from '../series/log-scale.ts'
import { lastOf } from '../series/ring.ts'
import { BLOCK, BLOCKS_A_LOSS, KEPT } from '../record/state.ts'
import { figure, logFigure } from './figures.ts'
import { median, rankCorrelation } from '../series/statistics.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'

/** Shorter rises are drifts of the data. */
const POINTS = 500
const GROWS = logFactor(1.5)
const STEADILY = 0.6
/** A loss that has changed by less is flat. */
const FLAT = 0.05

/** The norm has grown for long while the loss stood still: weights or normalisation drift. */
export const normGrowth: CauseRecord = {
  title: 'The norm keeps growing',
  seen: 'over 500 to 1,000 points the norm grew by half, steadily (rank correlation with time ≥ 0.6), and the loss moved by less than 5%',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { norms } = fold.state
  const blocks = lastOf(norms.blocks, KEPT)
  const points = blocks.length * BLOCK
  if (points < POINTS) return undefined
  const fifth = Math.floor(blocks.length / 5)
  const from = median(blocks.slice(0, fifth))
  const to = median(blocks.slice(-fifth))
  const correlation = rankCorrelation(blocks, [...blocks.keys()])
  if (to - from < GROWS || correlation < STEADILY) return undefined
  const losses = lastOf(norms.pastLosses, Math.floor(blocks.length / BLOCKS_A_LOSS))
  const lossFifth = Math.floor(losses.length / 5)
  const lossFrom = median(losses.slice(0, lossFifth))
  const lossTo = median(losses.slice(-lossFifth))
  // Without losses over the whole stretch both are NaN, and nothing is said.
  if (!(Math.abs(lossTo - lossFrom) <= FLAT * Math.abs(lossFrom))) return undefined
  return {
    weight: 0.6,
    because: `The median norm has grown from ${logFigure(from)} to ${logFigure(to)} over ${points} points (rank correlation with time ${figure(correlation)}) while the loss stood at ${figure(lossFrom)} and ${figure(lossTo)}.`,
    look_at: 'The norms of the weights and of the layers over time; weight decay; normalisation layers.',
  }
}
