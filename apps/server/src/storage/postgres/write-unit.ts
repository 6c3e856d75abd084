import { CLOSE_FINDING, INSERT_FINDING, insertedFinding } from '../run/list-findings.ts'
import { CREATED, MOVING, RUN_COLUMNS, type RunRow } from '../run/run-row.ts'
import type { FindingChange } from '../store.ts'
import type { Database, Statements, Value } from './database.ts'
import { Overtaken } from './errors.ts'
import type { WriteSet } from './fetched-run.ts'
import type { RecordedChanges, TellChannels } from './run-units.ts'

export interface WrittenUnit {
  readonly id: string
  /** The version that everything was computed from; `undefined`: the run is new. */
  readonly base: number | undefined
  readonly row: RunRow
  readonly writes: WriteSet
  readonly changes: readonly RecordedChanges[]
}

/** Rows of one statement: no more parameters than a statement may have. */
const ROWS_A_STATEMENT = 500

const placeholders = MOVING.map(() => '?').join(', ')
const APPEND = `select append_batches(?, ?, ${placeholders}, ?, ?, ?, ?) as stored`

/** Writes what units changed in one run. Throws `Overtaken` if another server has changed the run since (its version differs). */
export async function writeUnit(db: Database, tell: TellChannels, unit: WrittenUnit): Promise<void> {
  const { writes, changes } = unit
  const isPlain =
    !writes.isNew &&
    !writes.isEdited &&
    writes.documents === undefined &&
    writes.metrics.length === 0 &&
    writes.tailThrough === 0 &&
    writes.detection === undefined &&
    writes.leaves.size === 0 &&
    writes.pages.size === 0 &&
    changes.length === 0
  if (isPlain) return append(db, unit)
  await db.transaction(async (on) => {
    await (writes.isNew ? create(on, unit) : append(on, unit))
    if (writes.isEdited && !writes.isNew) await edit(on, unit)
    await writeRows(on, unit)
    for (const recorded of changes) {
      await applyChanges(on, unit.id, recorded.changes)
      await tell(on, recorded)
    }
  })
}

async function append(on: Statements, { id, base, row, writes }: WrittenUnit): Promise<void> {
  const tail = writes.tail.filter(({ seq }) => seq > writes.tailThrough)
  const result = await on.get<{ stored: boolean }>(
    APPEND,
    id,
    base as number,
    ...MOVING.map((field) => row[field]),
    tail.map(({ seq }) => seq),
    tail.map(({ arrivedAt }) => arrivedAt),
    tail.map(({ columns }) => columns.length),
    tail.length === 1
      ? (tail[0] as { columns: Uint8Array }).columns
      : Buffer.concat(tail.map(({ columns }) => columns)),
  )
  if (result?.stored !== true) throw new Overtaken()
}

async function create(on: Statements, { row }: WrittenUnit): Promise<void> {
  const created = await on.run(
    `insert into runs (${CREATED.map((field) => RUN_COLUMNS[field]).join(', ')})
     values (${CREATED.map(() => '?').join(', ')}) on conflict (id) do nothing`,
    ...CREATED.map((field) => row[field]),
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

async function writeRows(on: Statements, { id, writes }: WrittenUnit): Promise<void> {
  const { documents, detection, metrics, leaves, pages, tail, tailThrough, isNew } = writes
  if (documents !== undefined) {
    await on.run(
      `insert into run_documents (run, config, notes) values (?, ?, ?)
       on conflict (run) do update set config = excluded.config, notes = excluded.notes`,
      id,
      documents.config,
      documents.notes,
    )
  }
  const names = metrics.map(({ number, name }) => [id, number, name])
  await insertRows(on, 'metrics (run, number, name)', names)
  if (tailThrough > 0) await on.run('delete from tail where run = ? and seq <= ?', id, tailThrough)
  if (isNew) {
    const batches = tail.filter(({ seq }) => seq > tailThrough)
    const rows = batches.map(({ seq, arrivedAt, columns }) => [id, seq, arrivedAt, columns])
    await insertRows(on, 'tail (run, seq, arrived_at, columns)', rows)
  }
  if (detection !== undefined) {
    await on.run(
      `insert into detections (run, state, through, stale) values (?, ?, ?, ?)
       on conflict (run) do update set state = excluded.state, through = excluded.through, stale = excluded.stale`,
      id,
      detection.state,
      detection.through,
      detection.stale,
    )
  }
  if (leaves.size > 0) {
    await on.run('delete from leaves where run = ? and start = any(?::bigint[])', id, [...leaves.keys()])
  }
  const blocks = [...leaves].flatMap(([start, blocks]) =>
    Array.from(blocks, ([block, { cells, columns }]) => [id, start, block, cells, columns]),
  )
  await insertRows(on, 'leaves (run, start, block, cells, columns)', blocks)
  for (const { block, first, page } of pages.values()) {
    if (page !== null) continue
    await on.run('delete from summaries where run = ? and block = ? and first = ?', id, block, first)
  }
  const saved = [...pages.values()].flatMap(({ block, first, page }) =>
    page === null ? [] : [[id, block, first, page]],
  )
  await insertRows(
    on,
    'summaries (run, block, first, page)',
    saved,
    'on conflict (run, block, first) do update set page = excluded.page',
  )
}

async function insertRows(
  on: Statements,
  into: string,
  rows: readonly (readonly Value[])[],
  otherwise = '',
): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_A_STATEMENT) {
    const some = rows.slice(from, from + ROWS_A_STATEMENT)
    const values = some.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ')
    await on.run(`insert into ${into} values ${values} ${otherwise}`, ...some.flat())
  }
}

async function applyChanges(on: Statements, run: string, changes: readonly FindingChange[]): Promise<void> {
  for (const change of changes) {
    if (change.type === 'opened') await on.run(INSERT_FINDING, ...insertedFinding(run, change.finding))
    else {
      const { closed_step, closed_at, close_reason, id } = change
      await on.run(CLOSE_FINDING, closed_step, closed_at, close_reason, id, run)
    }
  }
}
