import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Hub } from '../live/hub.ts'
import {
  NOTHING_FOUND,
  StoreUnavailable,
  type Explanation,
  type Store,
  type StoredFinding,
} from '../storage/store.ts'
import type { ActiveRuns } from './active-runs.ts'
import { explain } from './explanation.ts'

/** Findings of one run that wait at once and are looked into; a run with more has its oldest left out. */
const FINDINGS_A_RUN = 16
/** After each finding, others have the processor for so many times as long as it took. */
const REST = 3
/** How long a stop goes on with what is to be explained. */
const DRAIN_MS = 2_000

export interface ExplainerParts {
  readonly store: Store
  readonly hub: Hub
  readonly runs: ActiveRuns
  readonly onError: (error: unknown) => void
}

/**
 * Looks up what the record says around the beginning of each finding that has opened: beside ingest, one finding after
 * the other, in slices of some milliseconds. What is still to be done stands in the store, so that a crash loses none of it.
 */
export class Explainer {
  readonly #parts: ExplainerParts
  readonly #waiting = new Map<string, Set<(finding: StoredFinding | undefined) => void>>()
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
        // a store that cannot be used now says so to everybody; the next finding tries again
        if (!(error instanceof StoreUnavailable)) this.#parts.onError(error)
      })
      .finally(() => (this.#working = undefined))
  }

  /** Goes on for some seconds with what is to be explained, then begins nothing more. */
  async stop(): Promise<void> {
    this.#stopping = true
    const deadline = setTimeout(() => (this.#stopped = true), DRAIN_MS)
    await this.#working
    clearTimeout(deadline)
    this.#stopped = true
  }

  /** The finding with its explanation; without one where it has none after `timeoutMs`. */
  async explained(finding: StoredFinding, timeoutMs: number): Promise<StoredFinding> {
    if (finding.explained) return finding
    const { store } = this.#parts
    const arrived = new Promise<StoredFinding | undefined>((resolve) => {
      const waiters = this.#waiting.get(finding.id) ?? new Set()
      this.#waiting.set(finding.id, waiters.add(resolve))
      setTimeout(() => this.#answer(finding.id, undefined), timeoutMs).unref()
      store.findings.get(finding.id).then(
        (stored) => stored?.explained !== false && resolve(stored),
        () => undefined,
      )
    })
    this.wake()
    const found = await arrived
    return found === undefined ? finding : { ...finding, ...explanationOf(found), explained: true }
  }

  async #work(): Promise<void> {
    const { store } = this.#parts
    while (this.#again && !this.#stopped) {
      this.#again = false
      const findings = await store.findings.unexplained(FINDINGS_A_RUN)
      for (const finding of findings) {
        if (this.#stopped) break
        const began = performance.now()
        await this.#explain(finding)
        if (!this.#stopping) await pause(REST * (performance.now() - began))
      }
      this.#again ||= findings.length > 0
    }
  }

  async #explain(finding: StoredFinding): Promise<void> {
    const { store, hub, runs, onError } = this.#parts
    const explanation = await explain(store, finding).catch((error: unknown): Explanation => {
      if (error instanceof StoreUnavailable) throw error
      if (!this.#stopped) onError(error)
      return NOTHING_FOUND
    })
    // the copy in memory first: what is told of its end must hold it
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
