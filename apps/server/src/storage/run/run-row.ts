import {
  isNestedDeeper,
  MAX_CONFIG_BYTES,
  MAX_CONFIG_DEPTH,
  metricOf,
  WELL_KNOWN_METRICS,
  type Clip,
  type Health,
  type Part,
  type RunStatus,
  type WireNumber,
} from '@normwatch/protocol'
import type { Judgement, ListedRun, StoredRun } from '../store.ts'

/** One row a run: everything that lists show and every append changes, and no more. */
export interface RunRow {
  key: number
  id: string
  project: string
  name: string
  status: RunStatus
  clip: string
  optimizer: string | null
  tags: string
  /** Id, name, project and tags in lower case, one a line. */
  search: string
  createdAt: number
  updatedAt: number
  endedAt: number | null
  lastArrival: number
  /** Distinct steps. */
  points: number
  lastStep: number | null
  /** Readings of grad_norm and loss that are not finite. */
  nonfinite: number
  /** Steps that exceeded the cap, of `judged` steps that could. */
  over: number
  judged: number
  /** `{name: [step, reading]}` */
  latest: string
  health: Health
  conditions: string
  window: number
  rate: number | null
  meanCoefficient: number | null
  currentStreak: number
  longestStreak: number
  /** 0 flagged, 1 watch, 2 running, 3 the rest: the order of the runs page. */
  attention: number
  /** Tail rows up to this `seq` are in the leaves. */
  mergedThrough: number
  /** Parts with their totals and judgements, as JSON; null: none. */
  parts: string | null
  /** One higher with every unit that changes the run; the `seq` of a batch is the version it made. */
  version: number
}
/** The part of a run's page that appends never change, as JSON and text. */
export interface RunDocuments {
  readonly config: string
  readonly notes: string
}

/** A part as the column `parts` stores it: a JSON list, null if the run has no parts. */
export interface PartRow {
  readonly name: string
  readonly clip: Clip
  readonly optimizer: string | null
  /** Steps that exceeded its cap, of `judged` steps of which that can be said. */
  over: number
  judged: number
  health: Health
  clipping: Judgement['clipping']
}

/** Conditions stored before runs had parts are the run's own. */
export const conditionsOf = ({ conditions }: Pick<RunRow, 'conditions'>): StoredRun['conditions'] =>
  (JSON.parse(conditions) as StoredRun['conditions']).map((condition) => ({
    ...condition,
    part: condition.part ?? null,
  }))

export const partsOf = ({ parts }: Pick<RunRow, 'parts'>): PartRow[] =>
  parts === null ? [] : (JSON.parse(parts) as PartRow[])

export const newPart = (name: string): PartRow => ({
  name,
  clip: { mode: 'none', max_norm: null },
  optimizer: null,
  over: 0,
  judged: 0,
  health: 'unknown',
  clipping: { window: 0, rate: null, mean_coefficient: null, current_streak: 0, longest_streak: 0 },
})

function toPart({ name, clip, optimizer, over, judged, health, clipping }: PartRow, latest: Latest): Part {
  const readings = WELL_KNOWN_METRICS.flatMap((metric) => {
    const newest = latest[metricOf(metric, name)]
    return newest === undefined ? [] : [[metric, newest[1]] as const]
  })
  const rate_total = judged === 0 ? null : over / judged
  return {
    name,
    clip,
    optimizer,
    health,
    clipping: { ...clipping, rate_total },
    latest: Object.fromEntries(readings),
  }
}

/** The newest reading of each metric that is not a layer, with its step. */
export type Latest = Record<string, [step: number, value: WireNumber]>

/** The fields of a run that no batch changes. */
export function fixedFields(row: RunRow, documents: RunDocuments) {
  return {
    id: row.id,
    project: row.project,
    name: row.name,
    status: row.status,
    clip: JSON.parse(row.clip) as Clip,
    optimizer: row.optimizer,
    config: readConfig(documents.config),
    tags: JSON.parse(row.tags) as string[],
    notes: documents.notes,
    created_at: row.createdAt,
    ended_at: row.endedAt,
  }
}

/** The fields that batches and judgements change. */
export function movingFields(
  row: RunRow,
  latest: Latest,
  conditions: Judgement['conditions'],
  parts: readonly PartRow[],
) {
  return {
    updated_at: row.updatedAt,
    points: row.points,
    last_step: row.lastStep,
    latest: Object.fromEntries(Object.entries(latest).map(([name, [, value]]) => [name, value])),
    clipping: {
      window: row.window,
      rate: row.rate,
      rate_total: row.judged === 0 ? null : row.over / row.judged,
      mean_coefficient: row.meanCoefficient,
      current_streak: row.currentStreak,
      longest_streak: row.longestStreak,
    },
    nonfinite: row.nonfinite,
    health: row.health,
    conditions,
    parts: parts.map((part) => toPart(part, latest)),
    last_arrival: row.lastArrival,
    version: row.version,
  }
}

export function toRun(row: RunRow, documents: RunDocuments): StoredRun {
  const latest = JSON.parse(row.latest) as Latest
  const conditions = conditionsOf(row)
  return { ...fixedFields(row, documents), ...movingFields(row, latest, conditions, partsOf(row)) }
}

/** `config` as it is stored; `undefined` leaves it out. */
export function toListedRun(row: RunRow, notes: string, config: string | undefined): ListedRun {
  const { config: _, ...run } = toRun(row, { config: '{}', notes })
  if (config === undefined) return run
  return {
    ...run,
    config: config.length > MAX_CONFIG_BYTES ? notShown('too large for a list') : readConfig(config),
  }
}

/** Data folders may hold configs from before they were bounded: one nested too deeply is not shown. */
function readConfig(text: string): StoredRun['config'] {
  const config = JSON.parse(text) as StoredRun['config']
  return isNestedDeeper(config, MAX_CONFIG_DEPTH) ? notShown('nested too deeply') : config
}

const notShown = (why: string): StoredRun['config'] => ({ '…': `Not shown: ${why}.` })

/** 0 flagged, 1 watch, 2 running, 3 the rest. */
export function attention(health: Health, status: RunStatus): number {
  if (health === 'flagged') return 0
  if (health === 'watch') return 1
  return status === 'running' ? 2 : 3
}

/** What a search looks into, in lower case. */
export const searchText = (id: string, name: string, project: string, tags: readonly string[]): string =>
  [id, name, project, ...tags].join('\n').toLowerCase()

/**
 * The columns of `runs` by the names that rows have here. Not read from the schema's own object: that would load
 * all of drizzle, which takes three times as much memory as the rest of the server.
 */
export const RUN_COLUMNS = {
  key: 'key',
  id: 'id',
  project: 'project',
  name: 'name',
  status: 'status',
  clip: 'clip',
  optimizer: 'optimizer',
  tags: 'tags',
  search: 'search',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  endedAt: 'ended_at',
  lastArrival: 'last_arrival',
  points: 'points',
  lastStep: 'last_step',
  nonfinite: 'nonfinite',
  over: 'over',
  judged: 'judged',
  latest: 'latest',
  health: 'health',
  conditions: 'conditions',
  // a reserved word in PostgreSQL
  window: '"window"',
  rate: 'rate',
  meanCoefficient: 'mean_coefficient',
  currentStreak: 'current_streak',
  longestStreak: 'longest_streak',
  attention: 'attention',
  mergedThrough: 'merged_through',
  parts: 'parts',
  version: 'version',
} as const satisfies Record<keyof RunRow, string>

export const RUN_FIELDS = Object.keys(RUN_COLUMNS) as (keyof RunRow)[]

/** Every column of `runs`, named as in a row. */
export const SELECT_RUN = RUN_FIELDS.map((field) => `runs.${RUN_COLUMNS[field]} as "${field}"`).join(', ')

export const CREATED = RUN_FIELDS.filter((field) => field !== 'key')

/** What a batch or a judgement changes: written on every append, so kept short. */
export const MOVING = [
  'updatedAt',
  'lastArrival',
  'points',
  'lastStep',
  'nonfinite',
  'over',
  'judged',
  'latest',
  'health',
  'conditions',
  'window',
  'rate',
  'meanCoefficient',
  'currentStreak',
  'longestStreak',
  'attention',
  'mergedThrough',
  'parts',
  'version',
] as const satisfies readonly (keyof RunRow)[]
