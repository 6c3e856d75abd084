import type { StoredFinding } from '../storage/store.ts'

/** Points from an onset on after which more of them would hardly change what is found to have moved. */
const ENOUGH = 25
/** Runs with waiting findings, and findings of one run; the oldest are dropped. */
const RUNS = 512
const FINDINGS_A_RUN = 8

interface Waiting {
  readonly finding: StoredFinding
  missing: number
}

/**
 * Findings that were explained when hardly any point followed their onset, such as a spike or a NaN. They are explained once
 * more when enough points have come, or when the run ends. Kept in memory: after a restart the first explanation stays.
 */
export class SecondLooks {
  readonly #waiting = new Map<string, Waiting[]>()

  /** `finding`: as it was before its first explanation, which saw this many points from the onset on. */
  await(finding: StoredFinding, followedBy: number): void {
    if (followedBy >= ENOUGH) return
    const waiting = this.#waiting.get(finding.run) ?? []
    waiting.push({ finding, missing: ENOUGH - followedBy })
    this.#waiting.delete(finding.run)
    this.#waiting.set(finding.run, waiting.slice(-FINDINGS_A_RUN))
    if (this.#waiting.size > RUNS) this.#waiting.delete(this.#waiting.keys().next().value as string)
  }

  /** The findings that are due now that a run has this many more points; `Infinity`: it ended. */
  due(run: string, points: number): StoredFinding[] {
    const waiting = this.#waiting.get(run)
    if (waiting === undefined) return []
    for (const one of waiting) one.missing -= points
    const left = waiting.filter(({ missing }) => missing > 0)
    if (left.length > 0) this.#waiting.set(run, left)
    else this.#waiting.delete(run)
    return waiting.filter(({ missing }) => missing <= 0).map(({ finding }) => finding)
  }
}
