import { rowChanges } from '../run/finding-changes.ts'
import { CLOSE_FINDING, INSERT_FINDING, insertedFinding } from '../run/list-findings.ts'
import type { TailRow } from '../run/tail.ts'
import { CREATED, MOVING, RUN_COLUMNS, type RunRow } from '../run/run-row.ts'
import type { Database, Statements, Value } from './database.ts'
import { Overtaken } from './errors.ts'
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

/**
 * Batches that stay in the tail once leaves hold them: those of the last milliseconds, at most so many bytes. Readers at
 * other servers read them there.
 */
const KEPT_MS = 10_000
const KEPT_BYTES = 128 * 1024
/** The key of the lock under which findings are entered. */
const ENTERING_FINDINGS = 0x6e6f7266
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
      await applyChanges(on, recorded)
      await tell(on, recorded)
    }
  })
}

/** The batches to store: those that leaves do not hold, and of the others the newest, for readers at other servers. */
function batchesOf({ tail, tailThrough }: WriteSet): { stored: TailRow[]; leftOut: number } {
  let bytes = 0
  let leftOut = 0
  const isStored = ({ seq, columns }: TailRow) => {
    if (seq > tailThrough || (bytes += columns.length) <= KEPT_BYTES) return true
    leftOut = Math.max(leftOut, seq)
    return false
  }
  return { stored: tail.toReversed().filter(isStored).reverse(), leftOut }
}

async function append(on: Statements, { id, base, row, writes }: WrittenUnit): Promise<void> {
  const { stored: tail } = batchesOf(writes)
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

async function writeRows(on: Statements, { id, row, writes }: WrittenUnit): Promise<void> {
  const { documents, detection, metrics, leaves, pages, isNew } = writes
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
  if (isNew) {
    const rows = batchesOf(writes).stored.map(({ seq, arrivedAt, columns }) => [id, seq, arrivedAt, columns])
    await insertRows(on, 'tail (run, seq, arrived_at, columns)', rows)
  }
  await trimTail(on, id, row, writes)
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

/** Removes the batches that leaves hold, but for those that readers at other servers may not have read yet. */
async function trimTail(on: Statements, id: string, row: RunRow, writes: WriteSet): Promise<void> {
  const { tailThrough, isRestated } = writes
  if (tailThrough === 0 && !isRestated) return
  const dropped = await on.all<{ seq: number }>(
    `delete from tail using
       (select seq, arrived_at, sum(octet_length(columns)) over (order by seq desc) as bytes
        from tail where run = ? and seq <= ?) as old
     where tail.run = ? and tail.seq = old.seq and (old.bytes > ? or old.arrived_at < ?) returning tail.seq`,
    id,
    tailThrough,
    id,
    KEPT_BYTES,
    row.lastArrival - KEPT_MS,
  )
  const through = Math.max(batchesOf(writes).leftOut, ...dropped.map(({ seq }) => seq))
  if (through === 0 && !isRestated) return
  await on.run(
    `update runs set followed_since = greatest(followed_since, ?), restated = ${isRestated ? 'version' : 'restated'}
     where id = ?`,
    through,
    id,
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
