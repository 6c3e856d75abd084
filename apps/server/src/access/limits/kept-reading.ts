/** The least age at which a reading is taken again, in milliseconds: other servers change what is read, too. */
const FRESH_MS = 10_000

/** What was last read from the store, read again when it is stale. One reading at a time, which all that need it share. */
export class KeptReading<T> {
  readonly #read: () => Promise<T>
  readonly #now: () => number
  readonly #share: number
  #kept: { readonly value: T; readonly began: number; readonly freshUntil: number } | undefined
  #reading: Promise<T> | undefined

  /** `share`: the most of the time that reading may take; a store that answers slowly is read less often. */
  constructor(read: () => Promise<T>, now: () => number, share = 1) {
    this.#read = read
    this.#now = now
    this.#share = share
  }

  /**
   * While a stale one is read again, others get it as it was; before the first one they wait. Rejects as the reading does, and the
   * next caller reads again.
   */
  async fresh(): Promise<T> {
    const kept = this.#kept
    const isFresh = kept !== undefined && (this.#reading !== undefined || this.#now() < kept.freshUntil)
    return isFresh ? kept.value : this.#readAgain()
  }

  /** Read again if it is older than so many milliseconds. */
  async youngerThan(ms: number): Promise<T> {
    const kept = this.#kept
    return kept !== undefined && this.#now() - kept.began < ms ? kept.value : this.#readAgain()
  }

  /** What was read changed: nobody gets it any more, nor what is being read. */
  forget(): void {
    this.#kept = undefined
    this.#reading = undefined
  }

  #readAgain(): Promise<T> {
    if (this.#reading !== undefined) return this.#reading
    const began = this.#now()
    const isCurrent = () => this.#reading === reading
    const reading = this.#read()
      .then((value) => {
        const freshMs = Math.max(FRESH_MS, (this.#now() - began) / this.#share)
        if (isCurrent()) this.#kept = { value, began, freshUntil: began + freshMs }
        return value
      })
      .finally(() => {
        if (isCurrent()) this.#reading = undefined
      })
    return (this.#reading = reading)
  }
}
