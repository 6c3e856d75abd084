import { setTimeout as pause } from 'node:timers/promises'
import { stateFrom } from '@normwatch/detector'
import type { Hub } from '../live/hub.ts'
import {
  keptChanging,
  VersionConflict,
  type Explanation,
  type Store,
  type StoredFinding,
} from '../storage/store.ts'
import { ActiveRun, type SavedState } from './active-run.ts'
import type { Explainer } from './explainer.ts'
import { settingsInForce } from './run-settings.ts'

/** Runs whose detector state is kept in memory. */
const MAX_ACTIVE_RUNS = 512
/** More findings than there are kinds and parts: at most one of each is open. */
const MAX_OPEN_FINDINGS = 1_000

/** How long a unit is tried again that loses the race against another one each time. */
const GIVE_UP_MS = 10_000
/** Most milliseconds between two attempts; the second follows at once. */
const MAX_PAUSE_MS = 40

/** What the parts of ingest share. */
export interface IngestContext {
  readonly store: Store
  readonly hub: Hub
  readonly runs: ActiveRuns
  readonly explainer: Explainer
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Aborted when the service stops: what is judged again by then is left for the next start. */
  readonly stopping: AbortSignal
}

/** The runs that are being judged, the most recently used ones in memory. */
export class ActiveRuns {
  readonly #store: Store
  readonly #onStale: (active: ActiveRun) => void
  readonly #entries = new Map<string, { readonly loading: Promise<ActiveRun>; active?: ActiveRun }>()
  /** Discarded copies with work still under way: the store is read again only after that work. */
  readonly #leaving = new Map<string, Promise<void>>()

  /** `onStale` is called for a loaded run whose record must be judged from its start. */
  constructor(store: Store, onStale: (active: ActiveRun) => void) {
    this.#store = store
    this.#onStale = onStale
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether a copy of this run is in memory. */
  has(id: string): boolean {
    return this.#entries.has(id)
  }

  /** The one copy of this run in memory; the first caller loads it. Throws `RunNotFound`. */
  get(id: string): Promise<ActiveRun> {
    const known = this.#entries.get(id)
    if (known !== undefined) {
      this.#entries.delete(id)
      this.#entries.set(id, known)
      return known.loading
    }
    const entry: { loading: Promise<ActiveRun>; active?: ActiveRun } = { loading: this.#load(id) }
    this.#entries.set(id, entry)
    entry.loading.then(
      (active) => {
        entry.active = active
        if (active.stale) this.#onStale(active)
        this.#evict()
      },
      () => this.#entries.get(id) === entry && this.#entries.delete(id),
    )
    return entry.loading
  }

  /**
   * Does work on a run once its gate lets it through: beside other work, or alone with `alone`. A copy whose work failed
   * may be ahead of the store, so it is dropped. After a `VersionConflict` the work is done again on a fresh copy: another
   * server may have changed the run. Throws `RunNotFound`, `StoreUnavailable` and what `work` throws.
   */
  async use<T>(
    id: string,
    alone: (active: ActiveRun) => boolean,
    work: (active: ActiveRun) => Promise<T>,
  ): Promise<T> {
    const began = performance.now()
    for (let tries = 1; ; tries++) {
      const active = await this.get(id)
      const attempt = async () => (active.dropped ? undefined : { result: await work(active) })
      try {
        const done = await (alone(active) ? active.gate.exclusive(attempt) : active.gate.shared(attempt))
        if (done !== undefined) return done.result
      } catch (error) {
        this.drop(active)
        if (!(error instanceof VersionConflict)) throw error
        if (performance.now() - began > GIVE_UP_MS) throw keptChanging(error)
        // by chance, so that servers that meet once do not meet each time
        if (tries > 1) await pause(Math.random() * MAX_PAUSE_MS)
      }
    }
  }

  /** Stores the explanation of an open finding in the cached copy of its run, if any. */
  explained(finding: StoredFinding, explanation: Explanation): void {
    this.#entries.get(finding.run)?.active?.explained(finding, explanation)
  }

  /** A run's record must be judged from its start; others may be waiting for the run meanwhile. */
  judgeSoon(active: ActiveRun): void {
    this.#onStale(active)
  }

  /** Drops a copy; the next `get` reads the store, after the work on this copy has ended. */
  drop(active: ActiveRun): void {
    if (active.dropped) return
    active.dropped = true
    if (this.#entries.get(active.id)?.active === active) this.#entries.delete(active.id)
    const left = active.gate.whenIdle().then(() => {
      if (this.#leaving.get(active.id) === left) this.#leaving.delete(active.id)
    })
    this.#leaving.set(active.id, left)
  }

  /** Drops the copy of a run that is no longer stored, if there is one. */
  forget(id: string): void {
    const active = this.#entries.get(id)?.active
    if (active !== undefined) this.drop(active)
  }

  async #load(id: string): Promise<ActiveRun> {
    await this.#leaving.get(id)
    const { run, ...saved } = await this.#store.points.detection(id)
    const [inForce, open] = await Promise.all([
      settingsInForce(this.#store, run),
      this.#store.findings.list({ run: id, state: 'open', limit: MAX_OPEN_FINDINGS }),
    ])
    const state = saved.state === undefined ? undefined : savedState(saved.state)
    const active = new ActiveRun(run, state, open.findings, inForce)
    // The saved state comes from an incompatible version of the detector.
    const isUsable = state !== undefined && active.isJudgedBy(state)
    active.stale = saved.stale || (saved.state !== undefined && !isUsable)
    if (active.stale) return active
    for (const { columns, arrivedAt } of saved.since) {
      active.gather(columns)
      active.replay(columns, arrivedAt)
    }
    return active
  }

  #evict(): void {
    for (const { active } of this.#entries.values()) {
      if (this.#entries.size <= MAX_ACTIVE_RUNS) return
      if (active?.gate.idle === true && active.judging === undefined) this.drop(active)
    }
  }
}

/** The detector's saved state; `undefined` if it comes from an incompatible version. */
function savedState(text: string): SavedState | undefined {
  const saved = JSON.parse(text) as SavedState
  const detector = stateFrom(saved.detector)
  if (detector === undefined) return undefined
  const parts = Object.entries(saved.parts ?? {}).map(([name, part]) => {
    return [name, { ...part, detector: stateFrom(part.detector) }] as const
  })
  if (parts.some(([, part]) => part.detector === undefined)) return undefined
  return { ...saved, detector, parts: Object.fromEntries(parts) as SavedState['parts'] }
}
