const MINUTE_MS = 60_000
/** Names that are told apart; all others together count as one. */
const MAX_NAMES = 1_000
const OTHERS = ''

interface Counted {
  readonly until: number
  /** How often it came since, uncounted. */
  left: number
}

/** Lets a name through once a minute, and counts how often it came meanwhile. Its memory is bounded. */
export class OnceAMinute {
  readonly #now: () => number
  readonly #names = new Map<string, Counted>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** How many were left out since the last time the name was let through; `undefined`: it is left out, too. */
  leftOut(name: string): number | undefined {
    const now = this.#now()
    const key = this.#names.has(name) || this.#hasRoom(now) ? name : OTHERS
    const known = this.#names.get(key)
    // `until` may lie far ahead where the clock was set back
    if (known !== undefined && now < known.until && known.until - now <= MINUTE_MS) {
      known.left++
      return undefined
    }
    this.#names.delete(key)
    this.#names.set(key, { until: now + MINUTE_MS, left: 0 })
    return known?.left ?? 0
  }

  /** The name is let through when it comes next. */
  forget(name: string): void {
    this.#names.delete(name)
  }

  #hasRoom(now: number): boolean {
    if (this.#names.size < MAX_NAMES) return true
    for (const [name, { until }] of this.#names) {
      if (until > now) break
      this.#names.delete(name)
    }
    return this.#names.size < MAX_NAMES
  }
}
