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
  if (norms.size === target) {
    leave(fold, recent(norms.log, norms.size - 1))
    fold.window.slide(log)
  } else {
    for (; norms.size >= target; norms.size--) {
      leave(fold, recent(norms.log, norms.size - 1))
      fold.window.shift()
    }
    fold.window.push(log)
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
  norms.settled++
  if (open.length < BLOCK) return
  const median = medianOfBlock(open)
  // `length = 0` would give its memory away, to be allocated again for the next block.
  while (open.length > 0) open.pop()
  const isReference = norms.settled >= BLOCK
  if (isReference) {
    const allowed = referenceBlocks(norms.seen, fold)
    if (norms.reference === allowed) fold.reference.slide(median)
    else {
      for (; norms.reference >= allowed; norms.reference--) fold.reference.shift()
      fold.reference.push(median)
      norms.reference++
    }
  }
  push(norms.blocks, KEPT, median)
  norms.blocksSeen++
  if (losses.seen > 0 && norms.blocksSeen % BLOCKS_A_LOSS === 0)
    push(norms.pastLosses, KEPT / BLOCKS_A_LOSS, shortened(fold.losses.median()))
}

/** The middle one of a block's norms; sorts them. */
function medianOfBlock(block: number[]): number {
  for (let i = 1; i < BLOCK; i++) {
    const value = block[i] as number
    let at = i
    for (; at > 0 && (block[at - 1] as number) > value; at--) block[at] = block[at - 1] as number
    block[at] = value
  }
  return block[BLOCK >> 1] as number
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
