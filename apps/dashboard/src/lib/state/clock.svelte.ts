import { createSubscriber } from 'svelte/reactivity'

/** The time in milliseconds, for words like "4 s ago": readers of `now` update each second; without readers there is no timer. */
export const clock = new (class Clock {
  readonly #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, 1000)
    return () => clearInterval(timer)
  })

  get now(): number {
    this.#subscribe()
    return Date.now()
  }
})()
