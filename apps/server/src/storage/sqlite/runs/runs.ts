import type { Clip, RunFields } from '@normwatch/protocol'
import type { Database } from 'better-sqlite3'
import { isSameRule } from '../../leaf/stream.ts'
import { RunNotFound, type ProjectUsage, type RunStore } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import type { Tables } from '../open-tables.ts'
import type { CachedRun } from '../points/cached-run.ts'
import type { RunCache } from '../points/run-cache.ts'
import { countingAhead, recount, truncate, type CountedAhead } from '../points/totals.ts'
import { recordChanges } from './findings.ts'
import { listRunning, listRuns } from './list-runs.ts'
import type { Reaper } from './reaper.ts'
import { searchText, toRun, type RunDocuments, type RunRow } from './run-table.ts'

export function openRuns(
  db: Database,
  tables: Tables,
  cache: RunCache,
  commits: GroupCommit,
  reaper: Reaper,
): RunStore {
  // The metrics of a run are numbered from 0: the highest number tells how many there are, without counting.
  const usage = db.prepare<[], ProjectUsage>(
    `select project, count(*) as runs,
       coalesce(sum((select max(number) + 1 from metrics where run = runs.key)), 0) as series
     from runs group by project order by project`,
  )

  function create(id: string, fields: RunFields, now: number): CachedRun {
    const { row, documents } = newRun(id, fields, now)
    const key = tables.runs.insert(row)
    tables.runs.saveDocuments(key, documents)
    const cached = cache.open(id)
    cached.declare(fields.parts ?? {})
    tables.runs.update(cached.row)
    return cached
  }

  function edit(
    cached: CachedRun,
    fields: RunFields,
    more: Partial<RunRow>,
    ahead: CountedAhead | undefined,
  ): void {
    const { row, documents } = cached
    const { clip, optimizer } = row
    const parts = cached.declare(fields.parts ?? {})
    cached.change({ ...rowFields(row, fields), ...more }, documentFields(documents, fields))
    if (cached.documents !== documents) tables.runs.saveDocuments(row.key, cached.documents)
    const isOwnCap = !isSameRule(JSON.parse(clip) as Clip, cached.run.clip)
    const streams = isOwnCap ? [0, ...parts.recount] : parts.recount
    if (streams.length > 0) recount(tables, cache, cached, streams, ahead)
    const isJudgedBySame = clip === cached.row.clip && optimizer === cached.row.optimizer
    if (!isJudgedBySame || parts.isJudgedAgain) tables.detections.markStale(row.key)
    tables.runs.update(cached.row)
  }

  /** One unit that may put another cap in force. */
  const editing = <T>(id: string, fields: RunFields, unit: (ahead: CountedAhead | undefined) => T) =>
    countingAhead(tables, cache, commits, id, fields, (ahead) => commits.run(() => unit(ahead)))

  function remove(id: string): void {
    const row = tables.runs.find(id)
    if (row === undefined) throw new RunNotFound(id)
    cache.forget(id)
    tables.runs.remove(row.key)
    reaper.start()
  }

  return {
    put: (id, fields, now) =>
      editing(id, fields, (ahead) => {
        if (tables.runs.find(id) === undefined) return { run: create(id, fields, now).run, created: true }
        const cached = cache.open(id)
        cached.refuseParts(Object.keys(fields.parts ?? {}))
        cached.begin()
        edit(cached, fields, { updatedAt: now }, ahead)
        return { run: cached.run, created: false }
      }),

    patch: (id, { status, truncate_after, ...fields }, now, ended) =>
      editing(id, fields, (ahead) => {
        const cached = cache.open(id)
        cached.refuseParts(Object.keys(fields.parts ?? {}))
        cached.begin(ended)
        if (truncate_after !== undefined) {
          truncate(tables, cache, cached, truncate_after)
          reaper.start()
        }
        if (ended !== undefined) {
          cached.note(ended)
          recordChanges(tables, cached, ended.changes)
        }
        if (status !== undefined && status !== 'running') cache.writeOut(cached)
        edit(cached, fields, { updatedAt: now, ...statusFields(cached.row, status, now) }, ahead)
        return cached.run
      }),

    delete: (id) => commits.run(() => remove(id)),

    expire: ({ before, project, limit }) =>
      commits.run(() => {
        const silent = tables.runs.silentSince(before, project, limit)
        for (const id of silent) remove(id)
        return silent
      }),

    get: async (id) =>
      commits.read(() => {
        const row = tables.runs.find(id)
        if (row === undefined) throw new RunNotFound(id)
        return toRun(row, tables.runs.documents(row.key))
      }),

    list: async (query) => commits.read(() => listRuns(db, query)),

    running: async () => commits.read(() => listRunning(db)),

    usage: async () => commits.read(() => usage.all()),
    projects: async () => commits.read(() => tables.runs.projects()),
  }
}

function newRun(
  id: string,
  fields: RunFields,
  now: number,
): { row: Omit<RunRow, 'key'>; documents: RunDocuments } {
  const blank: Omit<RunRow, 'key'> = {
    id,
    project: 'default',
    name: id,
    status: 'running',
    clip: JSON.stringify({ mode: 'none', max_norm: null }),
    optimizer: null,
    tags: '[]',
    search: searchText(id, id, 'default', []),
    createdAt: now,
    updatedAt: now,
    endedAt: null,
    lastArrival: now,
    points: 0,
    lastStep: null,
    nonfinite: 0,
    over: 0,
    judged: 0,
    latest: '{}',
    health: 'unknown',
    conditions: '[]',
    window: 0,
    rate: null,
    meanCoefficient: null,
    currentStreak: 0,
    longestStreak: 0,
    attention: 2,
    mergedThrough: 0,
    parts: null,
    version: 0,
  }
  return {
    row: { ...blank, ...rowFields(blank, fields) },
    documents: documentFields({ config: '{}', notes: '' }, fields),
  }
}

/** The columns that the fields given change. */
function rowFields(
  row: Pick<RunRow, 'id' | 'name' | 'project' | 'tags'>,
  { project = row.project, name = row.name, clip, optimizer, tags }: RunFields,
): Partial<RunRow> {
  const all = tags ?? (JSON.parse(row.tags) as string[])
  return {
    project,
    name,
    tags: JSON.stringify(all),
    search: searchText(row.id, name, project, all),
    ...(clip === undefined ? {} : { clip: JSON.stringify(clip) }),
    ...(optimizer === undefined ? {} : { optimizer }),
  }
}

/** The same object when no field of it is given. */
function documentFields(documents: RunDocuments, { config, notes }: RunFields): RunDocuments {
  if (config === undefined && notes === undefined) return documents
  return {
    config: config === undefined ? documents.config : JSON.stringify(config),
    notes: notes ?? documents.notes,
  }
}

/** A run that ends keeps the instant of its first end until it runs again. */
function statusFields(row: RunRow, status: RunRow['status'] | undefined, now: number): Partial<RunRow> {
  if (status === undefined) return {}
  return { status, endedAt: status === 'running' ? null : (row.endedAt ?? now) }
}
