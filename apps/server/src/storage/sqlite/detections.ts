import type { Database } from 'better-sqlite3'

export interface Detection {
  readonly state: string | null
  /** The `seq` of the last batch judged in the state. */
  readonly through: number
  readonly stale: 0 | 1
}

/** The table of the detector's states, one a run. */
export function openDetections(db: Database) {
  const select = db.prepare<[number], Detection>('select state, through, stale from detections where run = ?')
  const save = db.prepare<[number, string | null, number, number]>(
    `insert into detections (run, state, through, stale) values (?, ?, ?, ?)
     on conflict (run) do update set state = excluded.state, through = excluded.through, stale = excluded.stale`,
  )
  return {
    get: (run: number): Detection => select.get(run) ?? { state: null, through: 0, stale: 0 },
    save(run: number, { state, through, stale }: Detection): void {
      save.run(run, state, through, stale)
    },
  }
}
