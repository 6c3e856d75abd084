import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Hub } from '../live/hub.ts'
import {
  NOTHING_FOUND,
  RunNotFound,
  StoreUnavailable,
  type Explanation,
  type Store,
  type StoredFinding,
} from '../storage/store.ts'
import type { ActiveRuns } from './active-runs.ts'
import { claimed } from './claimed.ts'
import { explain, type Explained } from './explanation.ts'
import { SecondLooks } from './second-looks.ts'

/** Findings of one run that are explained, the newest first, before other runs have their turn. */
const FINDINGS_A_RUN = 16
/** Pause after each finding, as a multiple of the time it took. */
const REST = 3
/** How long stopping goes on explaining what waits. */
const DRAIN_MS = 2_000
/** How long a finding of another server waits for its explanation until this one explains it. */
const LEFT_AFTER_MS = 10_000
/** How often a message that waits looks whether another server has explained its finding. */
const LOOK_EVERY_MS = 500
/** Names the chore of explaining a finding. */
export const EXPLAIN = 'explain the finding '

export interface ExplainerParts {
  readonly store: Store
  readonly hub: Hub
  readonly runs: ActiveRuns
  readonly onError: (error: unknown) => void
}

/**
 * Explains each finding that has opened by what the record shows around its beginning: beside ingest, one finding after
 * the other, in slices of some milliseconds. Findings still to be explained are marked in the store, so a crash loses none.
 * Of several servers the one that judges the run does it; another one only if the finding is left unexplained.
 */
export class Explainer {
  readonly #parts: ExplainerParts
  readonly #secondLooks = new SecondLooks()
  /** Findings, as before their first explanation, that are to be explained again. */
  readonly #due: StoredFinding[] = []
  readonly #waiting = new Map<string, Set<(finding: StoredFinding | undefined) => void>>()
  /** Since when findings of other servers are known to wait, by a monotonic clock. */
  #known = new Map<string, number>()
  #working: Promise<void> | undefined
  #again = false
  #stopping = false
  #stopped = false

  constructor(parts: ExplainerParts) {
    this.#parts = parts
  }

  /** There may be findings to explain. */
  wake(): void {
    if (this.#stopped) return
    this.#again = true
    this.#working ??= this.#work()
      .catch((error: unknown) => {
        // a failing store is reported elsewhere; the next finding tries again
        if (!(error instanceof StoreUnavailable)) this.#parts.onError(error)
      })
      .finally(() => (this.#working = undefined))
  }

  /** A run has this many more points, `Infinity`: it ended. Explains again what was explained too early. */
  followed(run: string, points: number): void {
    const due = this.#secondLooks.due(run, points)
    if (due.length === 0) return
    this.#due.push(...due)
    this.wake()
  }

  /** Goes on explaining for some seconds, then starts nothing more. */
  async stop(): Promise<void> {
    this.#stopping = true
    const deadline = setTimeout(() => (this.#stopped = true), DRAIN_MS)
    await this.#working
    clearTimeout(deadline)
    this.#stopped = true
  }

  /** The finding with its explanation; without it if it has none after `timeoutMs`. */
  async explained(finding: StoredFinding, timeoutMs: number): Promise<StoredFinding> {
    if (finding.explained) return finding
    const { store } = this.#parts
    let look = () => {}
    const arrived = new Promise<StoredFinding | undefined>((resolve) => {
      const waiters = this.#waiting.get(finding.id) ?? new Set()
      this.#waiting.set(finding.id, waiters.add(resolve))
      setTimeout(() => this.#answer(finding.id, undefined), timeoutMs).unref()
      look = () => {
        store.findings.get(finding.id).then(
          (stored) => stored?.explained !== false && resolve(stored),
          () => undefined,
        )
      }
      look()
    })
    const looking = store.chores.isShared ? setInterval(look, LOOK_EVERY_MS).unref() : undefined
    this.wake()
    const found = await arrived
    clearInterval(looking)
    return found === undefined ? finding : { ...finding, ...explanationOf(found), explained: true }
  }

  async #work(): Promise<void> {
    const { store } = this.#parts
    while (this.#again && !this.#stopped) {
      this.#again = false
      const findings = this.#ours(await store.findings.unexplained(FINDINGS_A_RUN))
      const again = this.#due.splice(0)
      let isAnyDone = false
      for (const finding of [...findings, ...again]) {
        if (this.#stopped) break
        const began = performance.now()
        if (again.includes(finding)) await this.#explain(finding, true)
        else isAnyDone = (await this.#explainOnce(finding)) || isAnyDone
        if (!this.#stopping) await pause(REST * (performance.now() - began))
      }
      this.#again ||= isAnyDone
    }
  }

  /** The findings that this server explains: those of runs that it judges, and those that were left. */
  #ours(findings: readonly StoredFinding[]): readonly StoredFinding[] {
    const { store, runs } = this.#parts
    if (!store.chores.isShared) return findings
    const now = performance.now()
    this.#known = new Map(findings.map(({ id }) => [id, this.#known.get(id) ?? now]))
    const isLeft = ({ id, opened_at }: StoredFinding) =>
      Math.max(now - (this.#known.get(id) ?? now), store.now() - opened_at) >= LEFT_AFTER_MS
    return findings.filter((finding) => runs.has(finding.run) || isLeft(finding))
  }

  /** Explains a finding unless another server does or did; says whether this one did. */
  async #explainOnce(finding: StoredFinding): Promise<boolean> {
    const { store } = this.#parts
    return claimed(store.chores, EXPLAIN + finding.id, async () => {
      const stored = store.chores.isShared ? await store.findings.get(finding.id) : finding
      if (stored?.explained === false) await this.#explain(finding, false)
      else this.#answer(finding.id, stored)
    })
  }

  async #explain(finding: StoredFinding, isSecondLook: boolean): Promise<void> {
    const { store, hub, runs, onError } = this.#parts
    const { explanation, followedBy } = await explain(store, finding).catch((error: unknown): Explained => {
      if (error instanceof StoreUnavailable) throw error
      const isRemoved = error instanceof RunNotFound && error.run === finding.run
      if (!this.#stopped && !isRemoved) onError(error)
      return { explanation: NOTHING_FOUND, followedBy: Infinity }
    })
    if (!isSecondLook) this.#secondLooks.await(finding, followedBy)
    // the cached copy first, so that a closing finding keeps the explanation
    runs.explained(finding, explanation)
    const stored = await store.findings.explain(finding.id, explanation)
    if (stored !== undefined && !isDeepStrictEqual(explanation, NOTHING_FOUND)) {
      const project = await store.runs.get(stored.run).then(
        (run) => run.project,
        () => undefined,
      )
      if (project !== undefined) hub.finding(stored, project)
    }
    this.#answer(finding.id, stored)
  }

  #answer(id: string, stored: StoredFinding | undefined): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(stored)
    this.#waiting.delete(id)
  }
}

const explanationOf = ({ moved, events, layers, sibling, diagnosis }: StoredFinding): Explanation => ({
  moved,
  events,
  layers,
  sibling,
  diagnosis,
})
