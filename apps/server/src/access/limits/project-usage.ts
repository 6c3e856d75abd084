import type { RunStore } from '../../storage/store.ts'
import { KeptReading } from './kept-reading.ts'

/** Reading them may take at most this share of the time: a store with very many runs is read less often. */
const SHARE = 1 / 1_000

interface Usage {
  runs: number
  series: number
}

/** How much each project holds: read from the store now and then, and increased by what is added in between. */
export class ProjectUsage {
  readonly #usage: KeptReading<Map<string, Usage>>

  constructor(runs: RunStore, now: () => number) {
    const read = async () => {
      const all = await runs.totals()
      return new Map(all.map(({ project, runs, series }) => [project, { runs, series }]))
    }
    this.#usage = new KeptReading(read, now, SHARE)
  }

  async of(project: string): Promise<Usage> {
    const usage = await this.#usage.fresh()
    const known = usage.get(project)
    if (known !== undefined) return known
    const none = { runs: 0, series: 0 }
    usage.set(project, none)
    return none
  }
}
