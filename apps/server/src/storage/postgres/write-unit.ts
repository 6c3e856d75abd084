import { rowChanges } from '../run/finding-changes.ts'
import { CLOSE_FINDING, INSERT_FINDING, insertedFinding } from '../run/list-findings.ts'
import { CREATED, RUN_COLUMNS, type RunDocuments, type RunRow } from '../run/run-row.ts'
import type { Database, Statements } from './database.ts'
import { Overtaken } from './errors.ts'
import type { UnitGroups } from './unit-groups.ts'
import { storeUnit, valuesOf } from './unit-values.ts'
import type { WriteSet } from './write-set.ts'
import type { RecordedChanges, TellChannels } from './run-units.ts'

export interface WrittenUnit {
  readonly id: string
  /** The version that everything was computed from; `undefined`: the run is new. */
  readonly base: number | undefined
  readonly row: RunRow
  readonly writes: WriteSet
  readonly changes: readonly RecordedChanges[]
}

/** The key of the lock under which findings are entered. */
const ENTERING_FINDINGS = 0x6e6f7266
/** Rows of one statement: no more parameters than a statement may have. */
const ROWS_A_STATEMENT = 500

/** Writes what units changed in one run. Throws `Overtaken` if another server has changed the run since (its version differs). */
export async function writeUnit(
  db: Database,
  groups: UnitGroups,
  tell: TellChannels,
  unit: WrittenUnit,
): Promise<void> {
  const { id, base, row, writes, changes } = unit
  const { isNew, isEdited, documents, metrics } = writes
  // by far the most units are this one call
  const isOneCall =
    !isNew && !isEdited && documents === undefined && metrics.length === 0 && changes.length === 0
  if (isOneCall) {
    if (!(await groups.write(valuesOf(id, base as number, row, writes)))) throw new Overtaken()
    return
  }
  await db.transaction(async (on) => {
    if (isNew) await create(on, row)
    const values = valuesOf(id, isNew ? row.version : (base as number), row, writes)
    if (!(await storeUnit(on, values))) throw new Overtaken()
    if (isEdited && !isNew) await edit(on, unit)
    if (documents !== undefined) await saveDocuments(on, id, documents)
    await insertNames(on, id, metrics)
    for (const recorded of changes) {
      await applyChanges(on, recorded)
      await tell(on, recorded)
    }
  })
}

async function create(on: Statements, row: RunRow): Promise<void> {
  const created = await on.run(
    `insert into runs (${CREATED.map((field) => RUN_COLUMNS[field]).join(', ')}, followed_since)
     values (${CREATED.map(() => '?').join(', ')}, ?) on conflict (id) do nothing`,
    ...CREATED.map((field) => row[field]),
    // a version from before the run was made is not one of this run
    row.version,
  )
  if (created === 0) throw new Overtaken()
}

const EDITED = CREATED.filter((field) => field !== 'id')
async function edit(on: Statements, { id, row }: WrittenUnit): Promise<void> {
  await on.run(
    `update runs set ${EDITED.map((field) => `${RUN_COLUMNS[field]} = ?`).join(', ')} where id = ?`,
    ...EDITED.map((field) => row[field]),
    id,
  )
}

async function saveDocuments(on: Statements, run: string, { config, notes }: RunDocuments): Promise<void> {
  await on.run(
    `insert into run_documents (run, config, notes) values (?, ?, ?)
     on conflict (run) do update set config = excluded.config, notes = excluded.notes`,
    run,
    config,
    notes,
  )
}

async function insertNames(on: Statements, run: string, metrics: WriteSet['metrics']): Promise<void> {
  for (let from = 0; from < metrics.length; from += ROWS_A_STATEMENT) {
    const some = metrics.slice(from, from + ROWS_A_STATEMENT)
    await on.run(
      `insert into metrics (run, number, name) values ${some.map(() => '(?, ?, ?)').join(', ')}`,
      ...some.flatMap(({ number, name }) => [run, number, name]),
    )
  }
}

async function applyChanges(on: Statements, { run, changes }: RecordedChanges): Promise<void> {
  // their keys are then in the order in which they can be read: `since` of a list of findings relies on it
  if (changes.some(({ type }) => type === 'opened')) {
    await on.run('select pg_advisory_xact_lock(?)', ENTERING_FINDINGS)
  }
  const { closed, added } = rowChanges(changes)
  for (const { closed_step, closed_at, close_reason, id } of closed) {
    await on.run(CLOSE_FINDING, closed_step, closed_at, close_reason, id, run.id)
  }
  for (const finding of added) await on.run(INSERT_FINDING, ...insertedFinding(run.id, finding))
  const ids = changes.map((change) => (change.type === 'opened' ? change.finding.id : change.id))
  await on.run(
    'update findings set version = ? where run = ? and id = any(?::text[])',
    run.version,
    run.id,
    ids,
  )
}
