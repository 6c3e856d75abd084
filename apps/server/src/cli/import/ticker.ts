/**
 * One timer for whatever is polled: those who wait are woken in the same turn, so that a hundred idle files cost one timer
 * and one turn of the event loop. When `signal` aborts, they are woken at once.
 */
export class Ticker {
  readonly #ms: number
  readonly #signal: AbortSignal
  #next: Promise<void> | undefined

  constructor(ms: number, signal: AbortSignal) {
    this.#ms = ms
    this.#signal = signal
  }

  /** Resolves at the next tick. */
  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#signal.removeEventListener('abort', wake)
        this.#next = undefined
        resolve()
      }
      const timer = setTimeout(wake, this.#signal.aborted ? 0 : this.#ms)
      this.#signal.addEventListener('abort', wake)
    })
    return this.#next
  }
}
