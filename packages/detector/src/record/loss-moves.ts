import { recent } from '../series/ring.ts'
import { SlidingWindow } from '../series/sliding-window.ts'
import type { Losses } from './state.ts'

/** Moves from point to point that the noise is measured on: its error is then about a tenth. */
const MOVES = 64

/** How far the newest losses moved from point to point. They are looked at only when their median is asked for. */
export class LossMoves {
  readonly #losses: Losses
  readonly #window = new SlidingWindow(MOVES)
  /** Losses seen when the window was last brought up to date. */
  #seen = 0

  constructor(losses: Losses) {
    this.#losses = losses
  }

  /** NaN before the second loss. */
  median(): number {
    const { seen, values } = this.#losses
    const held = values.values.length
    for (let age = Math.min(seen - this.#seen, held - 1, MOVES) - 1; age >= 0; age--) {
      const move = Math.abs(recent(values, age) - recent(values, age + 1))
      if (this.#window.size < MOVES) this.#window.push(move)
      else this.#window.slide(move)
    }
    this.#seen = seen
    return this.#window.median()
  }
}
