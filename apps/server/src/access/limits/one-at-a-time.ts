/** Runs the work of each name one piece after the other, in order. */
export class OneAtATime {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Settles as `work` does. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const result = before === undefined ? work() : before.then(work)
    const settled = result.then(
      () => undefined,
      () => undefined,
    )
    this.#last.set(name, settled)
    void settled.then(() => {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    })
    return result
  }
}
