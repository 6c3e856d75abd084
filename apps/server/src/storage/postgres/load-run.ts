import { SELECT_RUN, type RunDocuments, type RunRow } from '../run/run-row.ts'
import type { Database } from './database.ts'
import type { Loaded } from './fetched-run.ts'

/**
 * The version of a run that is made now: microseconds since 1970, so that a run that was removed and made again never has
 * a version that the former one had.
 */
export async function firstVersion(db: Database): Promise<number> {
  const now = await db.get<{ version: number }>(
    'select floor(extract(epoch from clock_timestamp()) * 1e6)::bigint as version',
  )
  return (now as { version: number }).version
}

interface LoadedRow extends RunRow {
  readonly config: string | null
  readonly notes: string | null
  readonly names: string[] | null
  readonly newest: number | null
  readonly blocks: number[] | null
  readonly firsts: number[] | null
  readonly state: string | null
  readonly through: number | null
  readonly stale: 0 | 1 | null
}

/** All of a run but its blobs. */
export async function load(db: Database, id: string): Promise<Loaded | undefined> {
  const found = await db.get<LoadedRow>(
    // each part names the run itself, so that the statement stays in its shard
    `select ${SELECT_RUN}, config, notes, state, through, stale,
       (select array_agg(name order by number) from metrics where run = ?) as names,
       (select max(seq) from tail where run = ?) as newest,
       (select array_agg(block order by block, first) from summaries where run = ?) as blocks,
       (select array_agg(first order by block, first) from summaries where run = ?) as firsts
     from runs left join run_documents d on d.run = runs.id left join detections s on s.run = runs.id where runs.id = ?`,
    ...Array<string>(5).fill(id),
  )
  if (found === undefined) return undefined
  const { config, notes, names, newest, blocks, firsts, state, through, stale, ...row } = found
  const documents: RunDocuments = { config: config ?? '{}', notes: notes ?? '' }
  return {
    row,
    documents,
    names: names ?? [],
    newest,
    detection: { state, through: through ?? 0, stale: stale ?? 0 },
    pages: (blocks ?? []).map((block, i) => ({ block, first: firsts?.[i] as number })),
  }
}
