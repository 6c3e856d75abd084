export const SECOND_MS = 1_000
/** Names that are remembered; a forgotten one starts from zero. */
const MAX_NAMES = 10_000

/** Counts the requests of each name within a second, by a monotonic clock: `now` in milliseconds. */
export class SecondCounts {
  readonly max: number
  readonly #seconds = new Map<string, { readonly began: number; count: number }>()

  constructor(max: number) {
    this.max = max
  }

  /** Counts one; returns its number within the second, and how many milliseconds of that second are left. */
  count(name: string, now: number): { readonly nth: number; readonly leftMs: number } {
    let second = this.#seconds.get(name)
    if (second === undefined || now - second.began >= SECOND_MS) {
      second = { began: now, count: 0 }
      this.#seconds.delete(name)
      this.#seconds.set(name, second)
      if (this.#seconds.size > MAX_NAMES) this.#seconds.delete(this.#seconds.keys().next().value as string)
    }
    second.count++
    return { nth: second.count, leftMs: SECOND_MS - (now - second.began) }
  }
}
