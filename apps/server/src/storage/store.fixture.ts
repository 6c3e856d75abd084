import type { MetricColumn, PointColumns } from '@normwatch/protocol'
import {
  VersionConflict,
  type Append,
  type Judged,
  type Judgement,
  type Store,
  type StoredRun,
} from './store.ts'
import type { StoredToken } from './token-store.ts'

/** A batch; `null` marks a step without a reading. Without times it has none. */
export function columns(
  step: readonly number[],
  readings: Readonly<Record<string, readonly (number | null)[]>>,
  time: readonly number[] = step.map(() => NaN),
): PointColumns {
  const metrics = new Map<string, MetricColumn>()
  for (const [name, values] of Object.entries(readings)) {
    metrics.set(name, {
      values: Float64Array.from(values, (value) => value ?? 0),
      present: values.includes(null) ? Uint8Array.from(values, (value) => (value === null ? 0 : 1)) : null,
    })
  }
  return { step: Float64Array.from(step), time: Float64Array.from(time), metrics }
}

export const judgement: Judgement = {
  health: 'ok',
  conditions: [],
  clipping: { window: 0, rate: null, mean_coefficient: null, current_streak: 0, longest_streak: 0 },
  parts: [],
}

/** Runs a unit on the current version of the run, and retries if another unit came first. */
async function onCurrentVersion(
  store: Store,
  run: string,
  unit: (version: number) => Promise<StoredRun>,
): Promise<StoredRun> {
  for (;;) {
    const found = await store.runs.get(run).catch(() => undefined)
    try {
      return await unit(found?.version ?? 0)
    } catch (error) {
      if (!(error instanceof VersionConflict)) throw error
    }
  }
}

export const append = (
  store: Store,
  batch: Partial<Append> & Pick<Append, 'run' | 'columns'>,
): Promise<StoredRun> =>
  onCurrentVersion(store, batch.run, (version) =>
    store.points.append({ version, arrivedAt: 0, judgement, changes: [], ...batch }),
  )

export const record = (store: Store, run: string, judged: Partial<Judged> = {}): Promise<StoredRun> =>
  onCurrentVersion(store, run, (version) =>
    store.findings.record(run, { version, judgement, changes: [], ...judged }),
  )

export const rejudge = (store: Store, run: string, judged: Partial<Judged> = {}): Promise<StoredRun> =>
  onCurrentVersion(store, run, (version) =>
    store.points.rejudge(run, { version, judgement, changes: [], ...judged }),
  )

/** A token that reads everything. */
export const aToken = (id: string, more: Partial<StoredToken> = {}): StoredToken => ({
  id,
  hash: `hash of ${id}`,
  name: id,
  scope: 'read',
  project: null,
  projects: null,
  addresses: null,
  created_at: 1_000,
  created_by: null,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
  ...more,
})
