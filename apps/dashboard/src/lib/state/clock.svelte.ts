import { createSubscriber } from 'svelte/reactivity'

/** The time in milliseconds, for words like "4 s ago": whoever reads `now` is updated each second, and nobody ticks in vain. */
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
