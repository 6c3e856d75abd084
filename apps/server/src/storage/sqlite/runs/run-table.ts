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
import type { Database } from 'better-sqlite3'
import type { Judgement, ListedRun, StoredRun } from '../../store.ts'
import type { runDocuments, runs } from '../tables.ts'

export type RunRow = typeof runs.$inferSelect
export type RunDocuments = Omit<typeof runDocuments.$inferSelect, 'run'>

/** A part as the column `parts` has it: a list of them as JSON, null where there is none. */
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

/** Conditions from before runs had parts hold for the run itself. */
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

/** Data folders hold configs from before they were bounded: one too deep to be written out again is not shown. */
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
 * The columns of `runs` by the names that rows have here. The schema's own object is not asked for them: it would load
 * the whole of drizzle, which is three times as large in memory as the rest of the server.
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
  window: 'window',
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
export const SELECT_RUN = RUN_FIELDS.map((field) => `runs.${RUN_COLUMNS[field]} as ${field}`).join(', ')

const CREATED = RUN_FIELDS.filter((field) => field !== 'key')

/** What a batch or a judgement changes: written on every append, so no longer than need be. */
const MOVING = [
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

/** The table of runs, by single rows. */
export function openRunTable(db: Database) {
  const selectById = db.prepare<[string], RunRow>(`select ${SELECT_RUN} from runs where id = ?`)
  const selectDocuments = db.prepare<[number], RunDocuments>(
    'select config, notes from run_documents where run = ?',
  )
  const insert = db.prepare<[Omit<RunRow, 'key'>]>(
    `insert into runs (${CREATED.map((field) => RUN_COLUMNS[field]).join(', ')})
     values (${CREATED.map((field) => `@${field}`).join(', ')})`,
  )
  const update = db.prepare<[RunRow]>(
    `update runs set ${CREATED.map((field) => `${RUN_COLUMNS[field]} = @${field}`).join(', ')} where key = @key`,
  )
  const move = db.prepare<(string | number | null)[]>(
    `update runs set ${MOVING.map((field) => `${RUN_COLUMNS[field]} = ?`).join(', ')} where key = ?`,
  )
  const silent = db
    .prepare<{ before: number; project: string | null; limit: number }, string>(
      `select id from runs where last_arrival < @before and (@project is null or project = @project)
       order by last_arrival limit @limit`,
    )
    .pluck()
  const projects = db.prepare<[], string>('select distinct project from runs order by project').pluck()
  const saveDocuments = db.prepare<[number, string, string]>(
    `insert into run_documents (run, config, notes) values (?, ?, ?)
     on conflict (run) do update set config = excluded.config, notes = excluded.notes`,
  )
  const remove = [
    'runs where key',
    'run_documents where run',
    'run_settings where run',
    'detections where run',
    'run_events where run',
  ].map((rows) => db.prepare<[number]>(`delete from ${rows} = ?`))
  const bury = db.prepare<[number]>('insert into deleted_runs (key) values (?)')

  return {
    find: (id: string): RunRow | undefined => selectById.get(id),
    documents: (key: number): RunDocuments => selectDocuments.get(key) ?? { config: '{}', notes: '' },
    /** Ids of runs without a point since `before`, the longest silent first. */
    silentSince: (before: number, project: string | undefined, limit: number): string[] =>
      silent.all({ before, project: project ?? null, limit }),
    projects: (): string[] => projects.all(),
    /** Gives the new run's key. */
    insert: (row: Omit<RunRow, 'key'>): number => Number(insert.run(row).lastInsertRowid),
    update(row: RunRow): void {
      update.run(row)
    },
    /** Writes what a batch or a judgement changes. */
    move(row: RunRow): void {
      move.run(...MOVING.map((field) => row[field]), row.key)
    },
    saveDocuments(key: number, { config, notes }: RunDocuments): void {
      saveDocuments.run(key, config, notes)
    },
    /** The run is gone for every reader; its points follow, see `reaper.ts`. */
    remove(key: number): void {
      for (const statement of remove) statement.run(key)
      bury.run(key)
    },
  }
}
