import { createSubscriber } from 'svelte/reactivity'

/** A `Date` header tells whole seconds and travels: this clock is believed while it differs by less (milliseconds). */
const MAX_DRIFT_MS = 5_000

/**
 * The server's time in milliseconds, for words like "4 s ago": a viewer's clock may be days off. Readers of `now` update
 * each second; without readers there is no timer.
 */
export const clock = new (class Clock {
  #ahead = 0
  readonly #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, 1000)
    return () => clearInterval(timer)
  })

  get now(): number {
    this.#subscribe()
    return Date.now() + this.#ahead
  }

  /** Takes the `Date` header of an answer that just came. */
  hear(date: string | null): void {
    const ahead = Date.parse(date ?? '') - Date.now()
    if (!Number.isNaN(ahead)) this.#ahead = Math.abs(ahead) > MAX_DRIFT_MS ? ahead : 0
  }
})()
