import type { PointColumns, RunFields, RunPatch } from '@normwatch/protocol'
import type { Hub } from '../live/hub.ts'
import type { Store, StoredRun } from '../storage/store.ts'
import { acceptPoints } from './accept-points.ts'
import { ActiveRuns } from './active-runs.ts'
import { deleteRun, patchRun, putRun } from './change-run.ts'
import { changeProjectSettings, changeRunSettings } from './change-settings.ts'
import type { IngestContext } from './context.ts'
import { judgeAgain } from './judge-again.ts'
import { keepFor, removeSilent, type Retention } from './retention.ts'
import { noticeSilence, watchSilence } from './silence-watch.ts'

/** Everything that changes a run: each change is judged, stored and told to the readers, in that order. */
export class Ingest {
  readonly #context: IngestContext
  readonly #stopping = new AbortController()
  readonly #onError: (error: unknown) => void
  /** Points accepted since the start. */
  pointsAccepted = 0
  /** Batches that are not durable yet. */
  waiting = 0

  constructor(store: Store, hub: Hub, now: () => number, onError: (error: unknown) => void) {
    this.#onError = onError
    const runs = new ActiveRuns(store, (active) => {
      judgeAgain(this.#context, active).catch(onError)
    })
    this.#context = { store, hub, runs, now }
  }

  /** Runs whose detector state is in memory. */
  get activeRuns(): number {
    return this.#context.runs.size
  }

  /** Starts to notice runs that fall silent, and to remove those that have been so for longer than `retention` says. */
  start(retention?: Retention): void {
    if (retention !== undefined) {
      void keepFor(this.#context, retention, this.#stopping.signal, this.#onError)
    }
    const since = this.#context.now()
    void watchSilence(this.#context, since, this.#stopping.signal, this.#onError)
  }

  /** One look at the running runs: who has been silent for too long, not counting the time before `since`. */
  noticeSilence(since: number): Promise<void> {
    return noticeSilence(this.#context, since)
  }

  /** Removes the runs that have been silent for longer than `retention` says. */
  removeSilent(retention: Retention): Promise<void> {
    return removeSilent(this.#context, retention)
  }

  stop(): void {
    this.#stopping.abort()
  }

  async accept(run: string, columns: PointColumns): Promise<StoredRun> {
    this.waiting++
    try {
      const stored = await acceptPoints(this.#context, run, columns)
      this.pointsAccepted += columns.step.length
      return stored
    } finally {
      this.waiting--
    }
  }

  put(id: string, fields: RunFields): Promise<{ run: StoredRun; created: boolean }> {
    return putRun(this.#context, id, fields)
  }

  patch(id: string, patch: RunPatch): Promise<StoredRun> {
    return patchRun(this.#context, id, patch)
  }

  delete(id: string): Promise<void> {
    return deleteRun(this.#context, id)
  }

  /** Throws `SettingsRefused`, `RunNotFound`; resolves when the run is judged by them. */
  changeRunSettings(id: string, overrides: unknown): Promise<void> {
    return changeRunSettings(this.#context, id, overrides)
  }

  /** Throws `SettingsRefused`; resolves when they are stored, and the project's runs are judged again meanwhile. */
  async changeProjectSettings(project: string, overrides: unknown): Promise<void> {
    const { judged } = await changeProjectSettings(this.#context, project, overrides)
    judged.catch(this.#onError)
  }
}
