import type { Fold } from './fold.ts'
import { push, recent } from '../series/ring.ts'
import { shortened } from '../series/round.ts'
import { BLOCK, BLOCKS_A_LOSS, KEPT, noteStep } from './state.ts'
import { windowSize } from '../settings/settings.ts'

/** Norms whose median stands for the beginning of the run. */
const FIRST = 10

/** Takes a finite norm, on the log scale, into the window; the oldest one there becomes part of the past. */
export function addToNorms(fold: Fold, log: number): void {
  const { norms, lr } = fold.state
  const target = windowSize(++norms.seen, fold.settings)
  // A window that does not grow gives one for one: a single move in the sorted view.
  if (norms.size === target) {
    const oldest = recent(norms.log, norms.size - 1)
    fold.window.replace(oldest, log)
    leave(fold, oldest)
  } else {
    while (norms.size >= target) {
      const oldest = recent(norms.log, norms.size - 1)
      fold.window.remove(oldest)
      norms.size--
      leave(fold, oldest)
    }
    fold.window.insert(log)
    norms.size++
  }
  push(norms.log, KEPT, log)
  noteStep(fold.state, fold.step)
  if (norms.seen === FIRST) norms.first = fold.window.median()
  if (lr.seen > 0) push(norms.lr, KEPT, lr.last)
}

function leave(fold: Fold, log: number): void {
  const { norms, losses } = fold.state
  const { open } = norms
  open.push(log)
  fold.block.insert(log)
  norms.settled++
  if (open.length < BLOCK) return
  const median = fold.block.median()
  fold.block.clear()
  open.length = 0
  const isReference = norms.settled >= BLOCK
  if (isReference) {
    const allowed = referenceBlocks(norms.seen, fold)
    while (norms.reference >= allowed) fold.reference.remove(recent(norms.blocks, --norms.reference))
    fold.reference.insert(median)
    norms.reference++
  }
  push(norms.blocks, KEPT, median)
  norms.blocksSeen++
  if (losses.seen > 0 && norms.blocksSeen % BLOCKS_A_LOSS === 0)
    push(norms.pastLosses, KEPT / BLOCKS_A_LOSS, shortened(fold.losses.median()))
}

/** The most blocks of the past that count as "the norms before", at least one. */
export function referenceBlocks(seen: number, { settings }: Fold): number {
  const norms = windowSize(seen, settings) * settings.clip_regime_change.reference_windows
  return Math.min(KEPT, Math.max(1, Math.floor(norms / BLOCK)))
}

/** "The norms before" start over after the current window. */
export function restartReference(fold: Fold): void {
  const { norms, clips } = fold.state
  norms.settled = 0 - norms.size
  norms.reference = 0
  fold.reference.clear()
  clips.settled = 0 - clips.size
  clips.reference = 0
  clips.referenceClipped = 0
}
