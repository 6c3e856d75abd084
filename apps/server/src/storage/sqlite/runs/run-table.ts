import type { Database } from '../engine/database.ts'
import {
  CREATED,
  MOVING,
  RUN_COLUMNS,
  SELECT_RUN,
  type RunDocuments,
  type RunRow,
} from '../../run/run-row.ts'

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
  // a run that is made with the same id later is another one
  const unmute = db.prepare<[number]>('delete from mutes where run = (select id from runs where key = ?)')
  const bury = db.prepare<[number]>('insert into deleted_runs (key) values (?)')

  return {
    find: (id: string): RunRow | undefined => selectById.get(id),
    documents: (key: number): RunDocuments => selectDocuments.get(key) ?? { config: '{}', notes: '' },
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
    /** The run disappears for every reader; its points are removed later, see `reaper.ts`. */
    remove(key: number): void {
      unmute.run(key)
      for (const statement of remove) statement.run(key)
      bury.run(key)
    },
  }
}
export type RunTable = ReturnType<typeof openRunTable>
