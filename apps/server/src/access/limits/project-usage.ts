import type { RunStore } from '../../storage/store.ts'

/** The least age at which figures are read again, in milliseconds. */
const FRESH_MS = 10_000
/** Reading them may take at most this share of the time: a store with very many runs is read less often. */
const SHARE = 1 / 1_000

interface Usage {
  runs: number
  series: number
}

/** How much each project holds: read from the store now and then, and increased by what is added in between. */
export class ProjectUsage {
  readonly #runs: RunStore
  readonly #now: () => number
  #usage = new Map<string, Usage>()
  #freshUntil = -Infinity

  constructor(runs: RunStore, now: () => number) {
    this.#runs = runs
    this.#now = now
  }

  async of(project: string): Promise<Usage> {
    if (this.#now() >= this.#freshUntil) await this.#read()
    const known = this.#usage.get(project)
    if (known !== undefined) return known
    const none = { runs: 0, series: 0 }
    this.#usage.set(project, none)
    return none
  }

  async #read(): Promise<void> {
    const began = this.#now()
    // Others need not read at the same time.
    this.#freshUntil = began + FRESH_MS
    const all = await this.#runs.totals()
    this.#usage = new Map(all.map(({ project, runs, series }) => [project, { runs, series }]))
    this.#freshUntil = Math.max(this.#freshUntil, began + (this.#now() - began) / SHARE)
  }
}
