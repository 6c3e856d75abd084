/**
 * A read-write lock for the work on one run: any number of `shared` pieces at once, an `exclusive` one alone, in
 * order. Work starts in the same turn in which the gate lets it through.
 */
export class RunGate {
  readonly #inside = new Set<Promise<void>>()
  #held: Promise<void> | undefined

  async shared<T>(work: () => Promise<T>): Promise<T> {
    while (this.#held !== undefined) await this.#held
    const result = work()
    const leave = () => void this.#inside.delete(left)
    const left: Promise<void> = result.then(leave, leave)
    this.#inside.add(left)
    return result
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    while (this.#held !== undefined) await this.#held
    const result = this.#settled().then(work)
    const leave = () => void (this.#held = undefined)
    this.#held = result.then(leave, leave)
    return result
  }

  /** Whether nobody is inside. */
  get idle(): boolean {
    return this.#held === undefined && this.#inside.size === 0
  }

  /** Resolves when all work that is inside now has ended. */
  async whenIdle(): Promise<void> {
    await this.#held
    await this.#settled()
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#inside)
  }
}
