import { CannotMove, type StoredValue, type WholeData, type WholeTable } from '../../whole-data.ts'
import { Database, storable, type Statements, type Value } from '../database.ts'
import { asUnavailable } from '../errors.ts'
import { migrate } from '../migrate.ts'
import { refuseOtherDatabases } from '../open.ts'
import { differingRun, RunDigest, type ReadValue } from './digest.ts'
import { claimTarget, MOVER } from './target.ts'
import { MOVE_TABLE } from './unfinished.ts'

/** One transaction copies at most so many rows, and bytes of them beyond the last row. */
const ROWS_A_BATCH = 500
const BYTES_A_BATCH = 1024 * 1024
/** Rows of one fetch while checking; the largest of them have 250 KB. */
const ROWS_A_FETCH = 100

export interface MoveProgress {
  readonly phase: 'moving' | 'checking'
  /** Rows of all tables. */
  readonly done: number
  readonly total: number
}

export interface Moved {
  readonly runs: number
  readonly rows: number
  /** Rows that an earlier, interrupted move had brought over already. */
  readonly before: number
}

/** A table as the database has it. */
interface Target {
  readonly table: WholeTable
  readonly names: string
  /** Which columns are booleans here. */
  readonly booleans: readonly boolean[]
  readonly hasKey: boolean
}

/**
 * Copies all data into a database, every row as stored, and compares the copy with its source, run by run. A move that was
 * interrupted goes on where it stopped; if the source has changed since, it begins again. Rejects with `CannotMove`,
 * `CannotOpenDatabase`, `StoreUnavailable`; servers then still keep out of the database.
 */
export async function moveIntoPostgres(
  url: string,
  source: WholeData,
  onProgress: (progress: MoveProgress) => void,
): Promise<Moved> {
  const db = new Database(url, MOVER)
  let claim: Awaited<ReturnType<typeof claimTarget>> | undefined
  try {
    await refuseOtherDatabases(db)
    const own = await db.get<{ pid: number }>('select pg_backend_pid() as pid')
    claim = await claimTarget(db.address, source, own?.pid ?? 0)
    await migrate(db)
    const targets = await Promise.all(source.tables.map((table) => targetOf(db, table)))
    await begin(db, source)
    const total = source.tables.reduce((sum, { count }) => sum + count, 0)
    let done = 0
    const before = await movedBefore(db)
    const moved = (rows: number) => onProgress({ phase: 'moving', done: (done += rows), total })
    for (const target of targets) await copy(db, target, moved)
    done = 0
    // each row is read twice: here and there
    const checked = (rows: number) =>
      onProgress({ phase: 'checking', done: (done += rows), total: 2 * total })
    for (const target of targets) await check(db, target, checked)
    await finish(db, targets)
    const runs = source.tables.find(({ name }) => name === 'runs')?.count ?? 0
    return { runs, rows: total, before }
  } catch (error) {
    throw asUnavailable(error)
  } finally {
    await db.close()
    await claim?.close()
  }
}

async function targetOf(db: Database, table: WholeTable): Promise<Target> {
  const found = await db.all<{ name: string; type: string; identity: string }>(
    `select column_name as name, data_type as type, is_identity as identity from information_schema.columns
     where table_schema = current_schema() and table_name = ?`,
    table.name,
  )
  const byName = new Map(found.map((column) => [column.name, column]))
  const missing = table.columns.find((column) => !byName.has(column))
  if (missing !== undefined) throw new Error(`The database has no column ${table.name}.${missing}.`)
  return {
    table,
    names: table.columns.map((column) => `"${column}"`).join(', '),
    booleans: table.columns.map((column) => byName.get(column)?.type === 'boolean'),
    hasKey: byName.get('key')?.identity === 'YES',
  }
}

/** Notes which folder is moved, in which state. What was copied of another state is removed. */
function begin(db: Database, { folder, mark, tables }: WholeData): Promise<void> {
  return db.transaction(async (on) => {
    await on.run(
      `create table if not exists ${MOVE_TABLE}_tables (name text primary key, place bigint not null, rows bigint not null)`,
    )
    const former = await on.get<{ mark: string }>(`select mark from ${MOVE_TABLE}`)
    if (former?.mark === mark) return
    if (former !== undefined) {
      const filled = [...tables.map(({ name }) => `"${name}"`), MOVE_TABLE, `${MOVE_TABLE}_tables`]
      await on.run(`truncate ${filled.join(', ')}`)
    }
    await on.run(`insert into ${MOVE_TABLE} (folder, mark) values (?, ?)`, folder, mark)
  })
}

async function movedBefore(db: Database): Promise<number> {
  const found = await db.get<{ rows: number }>(
    `select coalesce(sum(rows), 0)::bigint as rows from ${MOVE_TABLE}_tables`,
  )
  return found?.rows ?? 0
}

async function copy(db: Database, target: Target, onRows: (rows: number) => void): Promise<void> {
  const { name, rows } = target.table
  const former = await db.get<{ place: number; rows: number }>(
    `select place, rows from ${MOVE_TABLE}_tables where name = ?`,
    name,
  )
  if (former !== undefined) onRows(former.rows)
  let batch: (readonly StoredValue[])[] = []
  let bytes = 0
  let last = former?.place ?? 0
  const flush = async () => {
    const [some, place] = [batch, last]
    batch = []
    bytes = 0
    if (some.length > 0) await insert(db, target, some, place)
    onRows(some.length)
  }
  for (const { place, values } of rows(last)) {
    batch.push(values)
    last = place
    for (const value of values) bytes += typeof value === 'string' ? value.length : (byteLength(value) ?? 8)
    if (batch.length >= ROWS_A_BATCH || bytes >= BYTES_A_BATCH) await flush()
  }
  await flush()
}

const byteLength = (value: StoredValue) => (value instanceof Uint8Array ? value.length : undefined)

/** The rows and how far they reach, in one transaction; it may be lost in a power cut until the last one is on the disk. */
function insert(
  db: Database,
  { table, names, booleans, hasKey }: Target,
  rows: readonly (readonly StoredValue[])[],
  place: number,
): Promise<void> {
  const marks = `(${table.columns.map(() => '?').join(', ')})`
  const converted = (value: StoredValue, i: number): Value => (booleans[i] === true ? value === 1 : value)
  return db.transaction(async (on) => {
    await on.run('set local synchronous_commit = off')
    await on.run(
      `insert into "${table.name}" (${names}) ${hasKey ? 'overriding system value' : ''}
       values ${rows.map(() => marks).join(', ')}`,
      ...rows.flatMap((values) => values.map(converted)),
    )
    await on.run(
      `insert into ${MOVE_TABLE}_tables (name, place, rows) values (?, ?, ?)
       on conflict (name) do update set place = excluded.place, rows = ${MOVE_TABLE}_tables.rows + excluded.rows`,
      table.name,
      place,
      rows.length,
    )
  })
}

/** Reads source and copy again. Throws `CannotMove` where a run has other rows in one of them; the next move then begins again. */
async function check(db: Database, { table, names }: Target, onRows: (rows: number) => void): Promise<void> {
  const source = new RunDigest(table.name, table.columns)
  for (const { values } of table.rows(0)) {
    source.add(values.map((value) => storable(value) as StoredValue))
    onRows(1)
  }
  const copied = new RunDigest(table.name, table.columns)
  await db.transaction(async (on) => {
    for await (const rows of everyRow(on, `select ${names} from "${table.name}"`)) {
      for (const row of rows) copied.add(table.columns.map((column) => row[column] as ReadValue))
      onRows(rows.length)
    }
  })
  const run = differingRun(source.digest, copied.digest)
  if (run === undefined) return
  await db.run(`update ${MOVE_TABLE} set mark = ''`)
  const whose = run === '' ? '' : ` of the run "${run}"`
  throw new CannotMove(
    `The copy is not the same: rows${whose} in the table ${table.name} differ. Run the command again: it begins anew.`,
  )
}

async function* everyRow(on: Statements, query: string): AsyncIterable<Record<string, unknown>[]> {
  await on.run(`declare every_row no scroll cursor for ${query}`)
  for (;;) {
    const rows = await on.all<Record<string, unknown>>(`fetch ${ROWS_A_FETCH} from every_row`)
    if (rows.length === 0) break
    yield rows
  }
  await on.run('close every_row')
}

/** New rows get higher keys than any before; from now on a server may start. */
async function finish(db: Database, targets: readonly Target[]): Promise<void> {
  await db.transaction(async (on) => {
    for (const { table, hasKey } of targets) {
      await on.run(`analyze "${table.name}"`)
      if (!hasKey || table.lastKey === 0) continue
      await on.get(`select setval(pg_get_serial_sequence(?, 'key'), ?)`, table.name, table.lastKey)
    }
    // of the batches of before, the tail holds only those that leaves did not
    await on.run('update runs set followed_since = version')
    await on.run(`drop table ${MOVE_TABLE}, ${MOVE_TABLE}_tables`)
  })
}
