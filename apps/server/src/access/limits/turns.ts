/**
 * Lets each name start one piece of work per turn of the event loop: a client that asks for much at once queues behind
 * itself, and others are served in between.
 */
export class Turns {
  readonly #waiting = new Map<string, (() => void)[]>()

  /** Resolves when it is this name's turn; at once when nothing of it began in this turn. */
  take(name: string): Promise<void> {
    const queue = this.#waiting.get(name)
    if (queue !== undefined) return new Promise((resolve) => queue.push(resolve))
    if (this.#waiting.size === 0) setImmediate(this.#next)
    this.#waiting.set(name, [])
    return Promise.resolve()
  }

  readonly #next = (): void => {
    for (const [name, queue] of this.#waiting) {
      const begin = queue.shift()
      if (begin === undefined) this.#waiting.delete(name)
      else begin()
    }
    if (this.#waiting.size > 0) setImmediate(this.#next)
  }
}
