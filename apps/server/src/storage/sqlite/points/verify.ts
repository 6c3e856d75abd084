import type { Database } from '../engine/database.ts'
import { isWhole, isWholePage } from '../../run/blob.ts'

/** Faults named at the most. */
const MAX_FAULTS = 20

interface Stored {
  readonly run: string
  readonly step: number
  readonly first: Buffer
  readonly second: Buffer | null
}

/** Each kind of blob: where its rows are, what tells whether it is whole, and what is lost with it. */
const kinds: readonly { sql: string; isWhole: (blob: Buffer) => boolean; what: string }[] = [
  {
    sql: 'select runs.id as run, start as step, cells as first, columns as second from leaves join runs on runs.key = run',
    isWhole,
    what: 'points',
  },
  {
    sql: 'select runs.id as run, first as step, page as first, null as second from summaries join runs on runs.key = run',
    isWhole: isWholePage,
    what: 'summaries',
  },
  {
    sql: `select runs.id as run, coalesce(last_step, 0) as step, columns as first, null as second
      from tail join runs on runs.key = run`,
    isWhole,
    what: 'the newest points',
  },
  {
    sql: `select runs.id as run, start as step, figures as first, norms as second
      from stretches join runs on runs.key = run`,
    isWhole,
    what: 'a copy of norms or losses',
  },
]

/** Reads every blob and names those that are not as they were written, by run and step; at most 20. */
export function findDamage(db: Database): string[] {
  const faults: string[] = []
  for (const { sql, isWhole, what } of kinds) {
    for (const { run, step, first, second } of db.prepare<[], Stored>(sql).iterate()) {
      if (isWhole(first) && (second === null || isWhole(second))) continue
      faults.push(`${what} of the run "${run}" near step ${step} cannot be read`)
      if (faults.length === MAX_FAULTS) return faults
    }
  }
  return faults
}
