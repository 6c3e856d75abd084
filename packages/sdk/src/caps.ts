/** A cap that follows a schedule changes at every step: the readings show it, and events would only hide others. */
const MAX_TOLD = 100

/** Reports the steps at which the cap of a run, or of one of its parts, changes. */
export class Caps {
  readonly #tell: (step: number, text: string) => void
  /** By part; the run's own cap under `undefined`. */
  readonly #caps = new Map<string | undefined, number>()
  #told = 0

  /** `tell` is called with a step and what changed there: `max_norm: 1 → 2`. */
  constructor(tell: (step: number, text: string) => void) {
    this.#tell = tell
  }

  /** The cap that is in force until another one is logged. */
  declare(part: string | undefined, cap: number): void {
    this.#caps.set(part, cap)
  }

  /** The cap of a step. */
  look(part: string | undefined, step: number, cap: number): void {
    const before = this.#caps.get(part)
    if (before === cap) return
    this.#caps.set(part, cap)
    if (before === undefined || this.#told === MAX_TOLD) return
    this.#told++
    this.#tell(step, `max_norm${part === undefined ? '' : ` of ${part}`}: ${before} → ${cap}`)
  }
}
