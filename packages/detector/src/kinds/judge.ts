import { addFraction, addNorm, capOf } from '../record/clips.ts'
import type { Change, Reading, RunFacts } from '../contract.ts'
import { seeLayers, seeLr, seeScale, seeTime, seeZeros } from '../record/context.ts'
import { Fold } from '../record/fold.ts'
import { toLog } from '../series/log-scale.ts'
import { addToLosses } from '../record/losses.ts'
import { addToNorms } from '../record/norms.ts'
import type { Settings } from '../settings/settings.ts'
import { emptyState, type DetectorState } from '../record/state.ts'
import { judgesOf, KINDS, kindRecords } from './all.ts'
import { judgeWarmUp } from '../record/warm-up.ts'

/** The state of a run before its first reading. */
export const newState = (): DetectorState =>
  emptyState(
    KINDS,
    kindRecords.map(({ memory }) => memory?.() ?? {}),
  )

const judgeReading = judgesOf('reading')
const judgeSkipped = judgesOf('skipped')
const judgeNonfinite = judgesOf('nonfinite')
const judgeFinite = judgesOf('finite')
const judgeNewLoss = judgesOf('loss')
const judgeNextNorm = judgesOf('nextNorm')
const judgeNewNorm = judgesOf('norm')
const judgeCappedNorm = judgesOf('cappedNorm')
const judgeClips = judgesOf('clipping')
const judgePostNorm = judgesOf('postNorm')

/**
 * Takes one reading into `state`, in place, and says which findings open and close with it (a shared empty list when
 * none). Deterministic: the same readings in the same order give the same changes, however they are batched, also
 * across JSON. The caller gives `state` away: an older copy of it must not be used any more.
 *
 * Each metric is judged once a step: the parts of a step may come in several calls, and a part at or below the newest
 * step judged *of that metric* is late and ignored, so a retry changes nothing.
 */
export function judge(
  state: DetectorState,
  reading: Reading,
  facts: RunFacts,
  settings: Settings,
): readonly Change[] {
  const fold = Fold.of(state, facts, settings)
  const { newest } = state
  const { step } = reading
  fold.step = step
  judgeReading(fold)
  if (step > state.step) seeTime(state, reading)
  if (state.ended !== null && bringsNews(newest, reading)) state.ended = null
  // What the norm and the loss are judged by comes first.
  if (reading.cap !== undefined && step > newest.cap) {
    newest.cap = step
    state.cap = reading.cap > 0 ? Math.min(reading.cap, Number.MAX_VALUE) : null
  }
  if (reading.lr !== undefined && step > newest.lr) {
    newest.lr = step
    seeLr(fold, reading.lr)
  }
  if (reading.lossScale !== undefined && step > newest.lossScale) {
    newest.lossScale = step
    seeScale(state, step, reading.lossScale)
  }
  if (reading.zeroFraction !== undefined && step > newest.zeroFraction) {
    newest.zeroFraction = step
    seeZeros(state, reading.zeroFraction)
  }
  if (reading.layers !== undefined && step > newest.layers) {
    newest.layers = step
    seeLayers(state, reading.layers)
  }
  if (reading.skipped !== undefined && step > newest.skipped) {
    newest.skipped = step
    judgeSkipped(fold, reading.skipped)
  }
  if (reading.loss !== undefined && step > newest.loss) {
    newest.loss = step
    judgeLoss(fold, reading.loss)
  }
  if (reading.gradNorm !== undefined && step > newest.gradNorm) {
    newest.gradNorm = step
    judgeNorm(fold, reading, reading.gradNorm)
  }
  if (reading.clipFraction !== undefined && step > newest.clipFraction) {
    newest.clipFraction = step
    addFraction(fold, reading.clipFraction)
    if (facts.clip.mode === 'value') judgeClipping(fold)
  }
  if (reading.postNorm !== undefined && step > newest.postNorm) {
    newest.postNorm = step
    const cap = capOf(reading, fold)
    if (facts.clip.mode === 'norm' && cap !== undefined) judgePostNorm(fold, reading.postNorm, cap)
  }
  return fold.take()
}

/** Whether a reading has a part that is not late. */
function bringsNews(newest: DetectorState['newest'], reading: Reading): boolean {
  return Object.entries(newest).some(
    ([metric, step]) => reading[metric as keyof typeof newest] !== undefined && reading.step > step,
  )
}

function judgeLoss(fold: Fold, loss: number): void {
  if (!Number.isFinite(loss)) {
    judgeNonfinite(fold, 'loss', loss)
    return
  }
  judgeFinite(fold)
  addToLosses(fold, loss)
  judgeNewLoss(fold)
}

function judgeNorm(fold: Fold, reading: Reading, norm: number): void {
  if (!Number.isFinite(norm)) {
    judgeNonfinite(fold, 'grad_norm', norm)
    return
  }
  judgeFinite(fold)
  const log = toLog(norm)
  judgeNextNorm(fold, log)
  addToNorms(fold, log)
  judgeNewNorm(fold, log, reading.loss)
  const cap = fold.facts.clip.mode === 'value' ? undefined : capOf(reading, fold)
  if (cap !== undefined) {
    addNorm(fold, norm, cap)
    judgeCappedNorm(fold, norm, cap)
  }
  judgeClipping(fold)
}

function judgeClipping(fold: Fold): void {
  judgeWarmUp(fold)
  judgeClips(fold)
}
