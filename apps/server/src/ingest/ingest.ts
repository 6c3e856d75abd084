import { partsMadeBy, type PointColumns, type RunFields, type RunPatch } from '@normwatch/protocol'
import { inSlices, othersTurns } from '../in-slices.ts'
import type { Hub } from '../live/hub.ts'
import type { NumberTexts } from '../live/number-texts.ts'
import { pointsStoredTogether } from '../storage/leaf/leaf.ts'
import type { Store, StoredFinding, StoredRun } from '../storage/store.ts'
import type { ActiveRun, Outcome } from './active-run.ts'
import { ActiveRuns, type IngestContext } from './active-runs.ts'
import { deleteRun, patchRun, putRun } from './change-run.ts'
import { changeProjectSettings, changeRunSettings } from './change-settings.ts'
import { judgeAgain, judgeInterrupted } from './judge-again.ts'
import { Explainer } from './explainer.ts'
import { partsByPieces, piecesTouched, slices } from './readings.ts'
import { keepFor, removeSilent, type Retention } from './retention.ts'
import { noticeSilence, watchSilence } from './silence-watch.ts'
import { takeOver } from './take-over.ts'
import { tellFindings } from './tell-findings.ts'

/** Readings, with the steps, that are merged and committed at once: some milliseconds, more if they replace older ones. */
const READINGS_A_COMMIT = 6_144
/**
 * Of late steps, readings that stand beside them in the record and are read and written again, in one commit: also some
 * milliseconds.
 */
const OLD_READINGS_A_COMMIT = 48 * 1024

/** Everything that changes a run: each change is judged, stored and sent to live readers, in that order. */
export class Ingest {
  readonly #context: IngestContext
  readonly #stopping = new AbortController()
  readonly #onError: (error: unknown) => void
  /** Work that nobody waits for. */
  readonly #background = new Set<Promise<void>>()
  /** Points accepted since the start. */
  pointsAccepted = 0
  /** Batches that are not durable yet. */
  waiting = 0

  constructor(store: Store, hub: Hub, now: () => number, onError: (error: unknown) => void) {
    this.#onError = onError
    const runs = new ActiveRuns(store, (active) => {
      this.#inBackground(judgeAgain(this.#context, active))
    })
    const explainer = new Explainer({ store, hub, runs, onError })
    this.#context = { store, hub, runs, explainer, now, stopping: this.#stopping.signal }
  }

  /** Runs whose detector state is in memory. */
  get activeRuns(): number {
    return this.#context.runs.size
  }

  /** Resumes what a crash interrupted; starts the silence watch, and the removal of runs older than `retention`. */
  start(retention?: Retention): void {
    if (retention !== undefined) {
      this.#inBackground(keepFor(this.#context, retention, this.#stopping.signal, this.#onError))
    }
    this.#inBackground(judgeInterrupted(this.#context))
    this.#inBackground(takeOver(this.#context, this.#onError))
    this.#context.explainer.wake()
    const since = this.#context.now()
    this.#inBackground(watchSilence(this.#context, since, this.#stopping.signal, this.#onError))
  }

  /** Checks the running runs once for silence, not counting the time before `since`. */
  noticeSilence(since: number): Promise<void> {
    return noticeSilence(this.#context, since)
  }

  /** Removes the runs that have been silent for longer than `retention` says. */
  removeSilent(retention: Retention): Promise<void> {
    return removeSilent(this.#context, retention)
  }

  /** The finding with its explanation; without it if that takes longer than `timeoutMs`. */
  explained(finding: StoredFinding, timeoutMs: number): Promise<StoredFinding> {
    return this.#context.explainer.explained(finding, timeoutMs)
  }

  /** Resolves when no background work is running. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#context.explainer.stop()
    await Promise.all(this.#background)
  }

  /** `stop` ends such work early and waits for it. */
  #inBackground(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#onError(error)
      })
      .finally(() => this.#background.delete(done))
    this.#background.add(done)
  }

  /** `texts`: the numbers as they were sent, for live readers. */
  async accept(run: string, columns: PointColumns, texts?: NumberTexts): Promise<StoredRun> {
    this.waiting++
    try {
      const stored = await acceptPoints(this.#context, run, columns, texts)
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
    this.#inBackground(judged)
  }
}

/**
 * Accepts a batch: judges it, stores it and informs live readers. Resolves when it is durable, with the updated run.
 * Throws what `store.points.append` throws; nothing of the batch is stored then, or its first slices. Points of a run that has
 * ended are stored and charted, and open no findings.
 */
async function acceptPoints(
  context: IngestContext,
  id: string,
  columns: PointColumns,
  texts: NumberTexts | undefined,
): Promise<StoredRun> {
  const arrivedAt = context.now()
  if (columns.step.length === 0) return context.store.runs.get(id)
  // The store may refuse a new metric: nothing else is judged on top of such a batch before it is stored. Between the
  // parts of a long one nothing else is judged either.
  const isLong = slices(columns).length > 1
  const alone = (active: ActiveRun) => isLong || touchesMany(active, columns) || bringsMetric(active, columns)
  return context.runs.use(id, alone, async (active) => {
    // A large batch is judged and stored in slices, so that others are served in between. Each slice has all the metrics:
    // whether the run may have them is known with the first.
    const parts = slices(columns, READINGS_A_COMMIT)
    const [first, ...others] = (
      touchesMany(active, columns) ? await partsOfLate(context.store, active, parts) : parts
    ) as [PointColumns, ...PointColumns[]]
    const ofFirst = others.length === 0 ? texts : undefined
    let stored = await acceptSlice(context, active, first, arrivedAt, ofFirst)
    for (const slice of others) {
      await othersTurns()
      stored = await acceptSlice(context, active, slice, arrivedAt)
    }
    return stored
  })
}

/** Whether late steps of the batch may fall into several parts of the record that are stored together. */
const touchesMany = (active: ActiveRun, columns: PointColumns): boolean =>
  piecesTouched(columns, active.lastStep, pointsStoredTogether(Infinity)) > 1

/** The parts of such a batch cut further, so that a commit reads and writes little of the record again. */
async function partsOfLate(
  store: Store,
  active: ActiveRun,
  parts: readonly PointColumns[],
): Promise<PointColumns[]> {
  const width = 2 + (await store.points.metrics(active.id)).length
  const steps = pointsStoredTogether(width)
  const pieces = Math.max(1, Math.floor(OLD_READINGS_A_COMMIT / (steps * width)))
  return parts.flatMap((part) => partsByPieces(part, active.lastStep, steps, pieces))
}

/** Judges and stores what is committed at once; the judging begins in this turn. */
async function acceptSlice(
  context: IngestContext,
  active: ActiveRun,
  columns: PointColumns,
  arrivedAt: number,
  texts?: NumberTexts,
): Promise<StoredRun> {
  const { store, hub, runs, explainer } = context
  const healthBefore = active.judgement.health
  const newParts = newPartsOf(active, columns)
  if (newParts.length > 0) active.addParts(newParts)
  const outcome: Outcome = { changes: [], findings: [] }
  const parts = slices(columns)
  const last = parts.pop() as PointColumns
  if (parts.length > 0) await inSlices(folding(active, parts, arrivedAt, outcome))
  // The last judgement and `append` start in one turn, so that versions are in the order of judging.
  const { changes, findings } = active.fold(last, arrivedAt, outcome)
  const judged = active.judgedBatch(columns, changes)
  const run = await store.points.append({ run: active.id, columns, arrivedAt, newParts, ...judged })
  for (const metric of columns.metrics.keys()) active.knownMetrics.add(metric)
  active.lastStep = run.last_step ?? -1
  if (newParts.length > 0 && active.stale) runs.judgeSoon(active)
  hub.points(active.id, columns, arrivedAt, texts)
  tellFindings(context, findings, run.project)
  explainer.followed(active.id, columns.step.length)
  hub.run(run, changes.length > 0 || run.health !== healthBefore)
  return run
}

function* folding(
  active: ActiveRun,
  parts: readonly PointColumns[],
  arrivedAt: number,
  outcome: Outcome,
): Generator<undefined, void> {
  for (const part of parts) {
    active.fold(part, arrivedAt, outcome)
    yield
  }
}

/** The parts that a batch adds to the run; none if all its metrics are known. */
function newPartsOf(active: ActiveRun, columns: PointColumns): string[] {
  if (!bringsMetric(active, columns)) return []
  return partsMadeBy(columns.metrics.keys()).filter((name) =>
    active.parts.every((part) => part.name !== name),
  )
}

function bringsMetric(active: ActiveRun, columns: PointColumns): boolean {
  for (const metric of columns.metrics.keys()) if (!active.knownMetrics.has(metric)) return true
  return false
}
