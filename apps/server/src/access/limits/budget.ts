/** Names whose budget is kept; one that is forgotten starts full. */
const MAX_NAMES = 10_000

/**
 * A token bucket per name: it holds `burst` seconds' worth and refills at a steady rate. A name with anything left may
 * overdraw, and then waits until the debt is paid; so a request can be refused before it is read.
 */
export class Budget {
  readonly #perSecond: number
  readonly #full: number
  readonly #names = new Map<string, { left: number; at: number }>()

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#full = perSecond * burst
  }

  /** Seconds after which the name may spend again; 0: now. `now` in milliseconds. */
  wait(name: string, now: number): number {
    return Math.max(0, -this.#left(name, now) / this.#perSecond)
  }

  spend(name: string, amount: number, now: number): void {
    const left = this.#left(name, now) - amount
    this.#names.delete(name)
    this.#names.set(name, { left, at: now })
    if (this.#names.size > MAX_NAMES) this.#names.delete(this.#names.keys().next().value as string)
  }

  #left(name: string, now: number): number {
    const known = this.#names.get(name)
    if (known === undefined) return this.#full
    return Math.min(this.#full, known.left + ((now - known.at) / 1000) * this.#perSecond)
  }
}
