export const SECOND_MS = 1_000
/** Names that are remembered; a forgotten one starts from zero. */
const MAX_NAMES = 10_000

/** Counts the requests of each name within a second, by a monotonic clock: `now` in milliseconds. */
export class SecondCounts {
  readonly max: number
  readonly #seconds = new Map<
    string,
    { readonly began: number; count: number; /** Of the second before. */ readonly before: number }
  >()

  constructor(max: number) {
    this.max = max
  }

  /**
   * Counts one; returns its number within the second, how many milliseconds of that second are left, and whether half of what
   * is allowed came in the second before.
   */
  count(
    name: string,
    now: number,
  ): { readonly nth: number; readonly leftMs: number; readonly wasBusy: boolean } {
    const known = this.#seconds.get(name)
    let second = known
    if (second === undefined || now - second.began >= SECOND_MS) {
      const wasJustNow = known !== undefined && now - known.began < 2 * SECOND_MS
      second = { began: now, count: 0, before: wasJustNow ? known.count : 0 }
      this.#seconds.delete(name)
      this.#seconds.set(name, second)
      if (this.#seconds.size > MAX_NAMES) this.#seconds.delete(this.#seconds.keys().next().value as string)
    }
    second.count++
    const wasBusy = second.before >= this.max / 2
    return { nth: second.count, leftMs: SECOND_MS - (now - second.began), wasBusy }
  }
}
