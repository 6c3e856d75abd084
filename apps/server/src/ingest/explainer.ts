import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { MovedSearch } from '@normwatch/detector'
import type { Hub } from '../live/hub.ts'
import { StoreUnavailable, type Explanation, type Store, type StoredFinding } from '../storage/store.ts'
import type { ActiveRuns } from './active-runs.ts'
import { intervalOf, surroundings } from './surroundings.ts'

/** Findings of one run that wait at once and are looked into; a run with more has its oldest left out. */
const FINDINGS_A_RUN = 16
/** After each finding, others have the processor for so many times as long as it took. */
const REST = 3
/** Milliseconds of work after which others get their turn. */
const SLICE_MS = 5
/** How long a stop goes on with what is to be explained. */
const DRAIN_MS = 2_000
/** An event so many points before an onset, or nearer, is told with the finding. */
const EVENT_POINTS = 5
const MAX_EVENTS = 5

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
      if (!this.#stopped) onError(error)
      return { moved: [], events: [] }
    })
    // the copy in memory first: what is told of its end must hold it
    runs.explained(finding, explanation)
    const stored = await store.findings.explain(finding.id, explanation)
    const isTold = explanation.moved.length + explanation.events.length > 0
    if (stored !== undefined && isTold) {
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

const explanationOf = ({ moved, events }: StoredFinding): Explanation => ({ moved, events })

/** What the record says around the beginning of a finding, as it is now. Throws `RunNotFound`. */
async function explain(
  store: Store,
  { run: id, part, onset, opened_step }: StoredFinding,
): Promise<Explanation> {
  const around = onset ?? opened_step
  if (around === null) return { moved: [], events: [] }
  const run = await store.runs.get(id)
  const from = Math.max(0, around - EVENT_POINTS * intervalOf(run))
  const events = (await store.events.list(id, { from, to: around })).slice(-MAX_EVENTS)
  const { step, metrics } = await surroundings(store, run, around)
  const search = new MovedSearch(step, around, part)
  let since = performance.now()
  for (const [metric, column] of metrics) {
    search.look(metric, column)
    if (performance.now() - since < SLICE_MS) continue
    await nextTurn()
    since = performance.now()
  }
  return { moved: search.found(), events }
}
