import { isDeepStrictEqual } from 'node:util'
import {
  explainedDiagnosis,
  LayerSearch,
  mostAlike,
  MovedSearch,
  readingsAtLr,
  type Surroundings,
} from '@normwatch/detector'
import { LAYER_PREFIX, metricOf, type Sibling } from '@normwatch/protocol'
import { inSlices } from '../in-slices.ts'
import {
  NOTHING_FOUND,
  type Explanation,
  type ListedRun,
  type Store,
  type StoredFinding,
  type StoredRun,
} from '../storage/store.ts'
import { intervalOf, surroundings } from './surroundings.ts'

/** Events at most this many points before an onset are shown with the finding. */
const EVENT_POINTS = 5
const MAX_EVENTS = 5
/** Runs of the project among which a sibling is looked for, the newest first. */
const CANDIDATES = 50
const MAX_DIFFERENCES = 20
/** Points whose median is the norm of two runs at one step. */
const NORM_POINTS = 25

export interface Explained {
  readonly explanation: Explanation
  /** Points of the record from the onset on. */
  readonly followedBy: number
}

/** What the record shows around the beginning of a finding. Throws `RunNotFound`. */
export async function explain(store: Store, finding: StoredFinding): Promise<Explained> {
  const { run: id, kind, part, onset, opened_step, diagnosis } = finding
  const around = onset ?? opened_step
  if (around === null) return { explanation: NOTHING_FOUND, followedBy: Infinity }
  const run = await store.runs.get(id)
  const from = Math.max(0, around - EVENT_POINTS * intervalOf(run))
  const events = (await store.events.list(id, { from, to: around })).slice(-MAX_EVENTS)
  const sibling = await siblingOf(store, run, part, opened_step ?? around)
  const record = await surroundings(store, run, around)
  const found = await inSlices(search(record, part, around, opened_step ?? around))
  const causes = explainedDiagnosis(kind, diagnosis, {
    onset: around,
    moved: found.moved,
    layers: found.layers,
    events,
    readingsAtLr: readingsAtLr(record, around, part),
  })
  const explanation: Explanation = {
    ...found,
    events,
    sibling,
    ...(!isDeepStrictEqual(causes, diagnosis) && { diagnosis: [...causes] }),
  }
  return { explanation, followedBy: record.step.filter((step) => step >= around).length }
}

function* search(
  { step, metrics }: Surroundings,
  part: string | null,
  around: number,
  until: number,
): Generator<undefined, Pick<Explanation, 'moved' | 'layers'>> {
  const moved = new MovedSearch(step, around, part)
  const layers = new LayerSearch(step, around, until)
  for (const [metric, column] of metrics) {
    if (metric.startsWith(LAYER_PREFIX)) layers.look(metric.slice(LAYER_PREFIX.length), column)
    else moved.look(metric, column)
    yield
  }
  return { moved: moved.found(), layers: layers.found() }
}

/** The most similar run of the project among the newest that ended well, with its norm and this run's at the same step. */
async function siblingOf(
  store: Store,
  run: StoredRun,
  part: string | null,
  step: number,
): Promise<Sibling | null> {
  const { runs } = await store.runs.list({
    project: run.project,
    status: 'finished',
    health: 'ok',
    sort: 'created',
    withConfig: true,
    limit: CANDIDATES,
  })
  const others = runs.filter((other) => other.id !== run.id && isComparable(run, other)).map(withSettings)
  const found = mostAlike(withSettings(run), others)
  if (found === undefined) return null
  const [own, its] = await Promise.all([run, found.run].map((one) => normAt(store, one, part, step)))
  return {
    run: found.run.id,
    name: found.run.name,
    differs: found.differs.slice(0, MAX_DIFFERENCES),
    norms: own == null || its == null ? null : { step, this: own, that: its },
  }
}

/** The same clipping mode, and the same loss metric or none. */
function isComparable(run: StoredRun, other: ListedRun): boolean {
  return run.clip.mode === other.clip.mode && 'loss' in run.latest === 'loss' in other.latest
}

const withSettings = <T extends ListedRun>(run: T) => ({
  ...run,
  config: run.config ?? {},
  max_norm: run.clip.mode === 'value' ? run.clip.clip_value : (run.clip.max_norm ?? null),
})

/** The median norm of the last points up to a step; `null` if the run did not reach it. */
async function normAt(
  store: Store,
  run: Pick<StoredRun, 'id' | 'points' | 'last_step'>,
  part: string | null,
  step: number,
): Promise<number | null> {
  if ((run.last_step ?? -1) < step) return null
  const norms: number[] = []
  const from = Math.max(0, step - NORM_POINTS * intervalOf(run) + 1)
  for await (const values of store.points.readings(run.id, metricOf('grad_norm', part), { from, to: step }))
    norms.push(...values)
  const finite = norms.filter(Number.isFinite).sort((a, b) => a - b)
  return finite[finite.length >> 1] ?? null
}
