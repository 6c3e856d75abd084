import { logThresholds, type LogThresholds, type Settings } from '../settings/settings.ts'
import { clipRule, type ClipRule } from './clipped-step.ts'
import type { Change, RunFacts } from '../contract.ts'
import { LossMoves } from './loss-moves.ts'
import { lastOf } from '../series/ring.ts'
import { SlidingWindow } from '../series/sliding-window.ts'
import { KEPT, type DetectorState } from './state.ts'

/** The fold that was asked for last: the readings of a batch follow each other. */
let last: Fold | undefined

const NO_CHANGES: readonly Change[] = Object.freeze([])

/**
 * What one judgement works with: the state, the facts, and views of the state that are quicker to read than to store
 * (windows). The views are rebuilt from the state when it comes from storage, and never hold more than it does.
 */
export class Fold {
  readonly state: DetectorState
  /** Norms of the window, spike-free ones of the baseline, medians of the reference's blocks: all on the log scale. */
  readonly window: SlidingWindow
  readonly baseline: SlidingWindow
  readonly reference: SlidingWindow
  /** Losses of the running median. */
  readonly losses: SlidingWindow
  readonly lossMoves: LossMoves
  facts: RunFacts
  clipRule: ClipRule
  settings: Settings
  thresholds: LogThresholds
  step: number
  #changes: Change[] | undefined

  private constructor(state: DetectorState, facts: RunFacts, settings: Settings) {
    this.state = state
    this.facts = facts
    this.clipRule = clipRule(facts.clip)
    this.settings = settings
    this.thresholds = logThresholds(settings)
    this.step = state.step
    const { norms, losses, spike } = state
    this.window = new SlidingWindow(KEPT, lastOf(norms.log, norms.size))
    this.baseline = new SlidingWindow(KEPT, lastOf(spike.baseline, spike.baseline.values.length))
    this.reference = new SlidingWindow(KEPT, lastOf(norms.blocks, norms.reference))
    this.losses = new SlidingWindow(KEPT, lastOf(losses.values, losses.size))
    this.lossMoves = new LossMoves(losses)
  }

  static readonly #folds = new WeakMap<DetectorState, Fold>()

  /** The fold of this very state object. */
  static of(state: DetectorState, facts: RunFacts, settings: Settings): Fold {
    let fold = last
    if (fold?.state !== state) {
      fold = Fold.#folds.get(state) ?? new Fold(state, facts, settings)
      Fold.#folds.set(state, fold)
      last = fold
    }
    if (fold.facts !== facts) {
      fold.facts = facts
      fold.clipRule = clipRule(facts.clip)
    }
    if (fold.settings !== settings) {
      fold.settings = settings
      fold.thresholds = logThresholds(settings)
    }
    return fold
  }

  /** The changes since the last call. */
  take(): readonly Change[] {
    const changes = this.#changes
    this.#changes = undefined
    return changes ?? NO_CHANGES
  }

  /** A finding opens or closes with the current reading. */
  add(change: Change): void {
    if (this.#changes === undefined) this.#changes = [change]
    else this.#changes.push(change)
  }
}
