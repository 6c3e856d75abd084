import type { Clip, RunFields } from '@normwatch/protocol'
import { isSameRule } from '../leaf/stream.ts'
import { RunNotFound, type RunStore } from '../store.ts'
import type { HeavyUnits } from './heavy-units.ts'
import type { RunTables } from './run-tables.ts'
import type { CachedRun } from './cached-run.ts'
import type { RunCache } from './run-cache.ts'
import { countingAhead, recount, type CountedAhead } from './recount.ts'
import { retotal, truncate } from './totals.ts'
import { searchText, toRun, type RunDocuments, type RunRow } from './run-row.ts'

/** The verbs of `RunStore` that change or read one run, whatever engine keeps its rows. */
export function openRuns(units: HeavyUnits): Pick<RunStore, 'put' | 'patch' | 'get'> {
  function create(tables: RunTables, cache: RunCache, id: string, fields: RunFields, now: number): CachedRun {
    const { row, documents } = newRun(id, fields, now)
    const key = tables.runs.insert(row)
    tables.runs.saveDocuments(key, documents)
    const cached = cache.open(id)
    cached.declare(fields.parts ?? {})
    tables.runs.update(cached.row)
    return cached
  }

  function edit(
    tables: RunTables,
    cache: RunCache,
    cached: CachedRun,
    fields: RunFields,
    more: Partial<RunRow> & Pick<RunRow, 'updatedAt'>,
    ahead: CountedAhead | undefined,
  ): void {
    const { row, documents } = cached
    const { clip, optimizer } = row
    const parts = cached.declare(fields.parts ?? {})
    // An arrival noted by a clock that was ahead counts as now.
    const lastArrival = Math.min(row.lastArrival, more.updatedAt)
    cached.change({ ...rowFields(row, fields), lastArrival, ...more }, documentFields(documents, fields))
    if (cached.documents !== documents) tables.runs.saveDocuments(row.key, cached.documents)
    const isOwnCap = !isSameRule(JSON.parse(clip) as Clip, cached.run.clip)
    const streams = isOwnCap ? [0, ...parts.recount] : parts.recount
    if (streams.length > 0) recount(tables, cache, cached, streams, ahead)
    if (parts.isRetotalled) retotal(tables, cached)
    const isJudgedBySame = clip === cached.row.clip && optimizer === cached.row.optimizer
    if (!isJudgedBySame || parts.isJudgedAgain) tables.detections.markStale(row.key)
    tables.runs.update(cached.row)
  }

  /** One unit that may put another cap in force. */
  const editing = <T>(
    id: string,
    fields: RunFields,
    unit: (tables: RunTables, cache: RunCache, ahead: CountedAhead | undefined) => T,
  ) =>
    countingAhead(units, id, fields, (ahead) =>
      units.write(id, (tables, cache) => unit(tables, cache, ahead)),
    )

  return {
    put: (id, fields, now) =>
      editing(id, fields, (tables, cache, ahead) => {
        if (tables.runs.find(id) === undefined) {
          return { run: create(tables, cache, id, fields, now).run, created: true }
        }
        const cached = cache.open(id)
        cached.refuseParts(Object.keys(fields.parts ?? {}))
        cached.begin()
        edit(tables, cache, cached, fields, { updatedAt: now }, ahead)
        return { run: cached.run, created: false }
      }),

    patch: (id, { status, truncate_after, ...fields }, now, base) =>
      editing(id, fields, (tables, cache, ahead) => {
        const cached = cache.open(id)
        cached.refuseParts(Object.keys(fields.parts ?? {}))
        cached.begin(base)
        const ended = base !== undefined && 'judgement' in base ? base : undefined
        if (truncate_after !== undefined) {
          truncate(tables, cache, cached, truncate_after)
          units.reclaim()
        }
        if (ended !== undefined) {
          cached.note(ended)
          tables.recordChanges(cached, ended.changes)
        }
        if (status !== undefined && status !== 'running') cache.writeOut(cached)
        const more = { updatedAt: now, ...statusFields(cached.row, status, now) }
        edit(tables, cache, cached, fields, more, ahead)
        return cached.run
      }),

    get: (id) =>
      units.read(id, ({ runs }) => {
        const row = runs.find(id)
        if (row === undefined) throw new RunNotFound(id)
        return toRun(row, runs.documents(row.key))
      }),
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
