/**
 * The store on PostgreSQL and on SQLite, in turns in one run, and what the bare driver does without the service. Everything
 * is durable; the database is on this machine and uses its processors too.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../scripts/postgres.ts'
import { openPostgresStore } from '../../apps/server/src/storage/postgres/open.ts'
import { openSqliteStore } from '../../apps/server/src/storage/sqlite/open.ts'
import type { Store } from '../../apps/server/src/storage/store.ts'
import { load, machine, median } from '../server-process.ts'
import { charts } from '../storage/charts.ts'
import { ingest } from '../storage/ingest.ts'
import { makeRuns } from '../storage/run-list.ts'
import { timed } from '../storage/timing.ts'
import { writeResults } from '../write-results.ts'
import { floor } from './floor.ts'

const ROUNDS = 9
const STEPS_A_ROUND = 50_000
const BATCH = 500
const SINGLES = 100
const LISTED = 10_000
/** Of a batch of 500 steps of two float32 readings in the tail, with two and a half bytes a time. */
const BLOB_BYTES = 5_283

/** The empty database of another server, such as a Citus coordinator, that is to be measured in turns with the others. */
const other = process.env['NORMWATCH_BENCH_DATABASE_URL']

const root = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const cluster = await startPostgres({ max_connections: '150' })

/** The fields of /proc/PID/stat behind the name: 0 is the state, 1 the parent. */
function statOf(pid: string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    // it has just ended
    return undefined
  }
}

/** The first process of the database, parent of all others. */
async function findPostmaster(): Promise<string> {
  const parent = await connected(async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    return statOf(String(rows[0]?.pid))?.[1]
  })
  if (parent === undefined) throw new Error('The processes of the database are not on this machine.')
  return parent
}

/** Processor seconds that the database's processes have used, but for those that have ended. */
function databaseSeconds(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const own = pids.filter((pid) => pid === postmaster || statOf(pid)?.[1] === postmaster)
  return own.reduce((sum, pid) => sum + nanosecondsOf(pid) / 1e9, 0)
}

/** Exact, unlike the ticks in `stat`. */
function nanosecondsOf(pid: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return 0
  }
}

async function connected<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: cluster.url('postgres') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function newDatabase(name: string): Promise<string> {
  await connected((client) => client.query(`create database ${name}`))
  return cluster.url(name)
}

const postmaster = await findPostmaster()

/** Measures `work`: what it gives, and the processor seconds of this process, which stands in for the server, and of the database. */
async function measured<T>(work: () => Promise<T>) {
  const [own, database] = [process.cpuUsage(), databaseSeconds()]
  const value = await work()
  const { user, system } = process.cpuUsage(own)
  return { value, server: (user + system) / 1e6, database: databaseSeconds() - database }
}

/** One engine's turn: batches of 500 steps to 8 runs, then single steps of 64 runs. */
async function turn(store: Store, round: number) {
  const runs = Array.from({ length: 8 }, (_, i) => `r${round}-${i}`)
  const batches = await measured(() => ingest(store, runs, STEPS_A_ROUND, BATCH))
  const ones = Array.from({ length: 64 }, (_, i) => `s${round}-${i}`)
  const singles = await measured(() => ingest(store, ones, SINGLES, 1))
  const millions = (runs.length * STEPS_A_ROUND * 2) / 1e6
  return {
    scalarsPerSecond: batches.value.scalarsPerSecond,
    singlesPerSecond: singles.value.appendsPerSecond,
    singlesP99: singles.value.appends.p99,
    serverSecondsPerMillion: batches.server / millions,
    databaseSecondsPerMillion: batches.database / millions,
    serverMillisecondsPerSingle: (singles.server * 1000) / (ones.length * SINGLES),
    databaseMillisecondsPerSingle: (singles.database * 1000) / (ones.length * SINGLES),
  }
}

type Turn = Awaited<ReturnType<typeof turn>>
const rates = (turns: readonly Turn[]): number[] => turns.map(({ scalarsPerSecond }) => scalarsPerSecond)
const scalarsIn = (batches: number): number => batches * BATCH * 2
/** The median of the rounds' ratios: the machine's speed changes from round to round, for both sides. */
const ratio = (ones: readonly number[], others: readonly number[]): number =>
  Number(median(ones.map((one, round) => one / (others[round] as number))).toPrecision(3))
const middle = (turns: readonly Turn[]) =>
  Object.fromEntries(
    Object.keys(turns[0] as Turn).map((name) => [
      name,
      Number(median(turns.map((one) => one[name as keyof Turn])).toPrecision(3)),
    ]),
  ) as unknown as Turn

try {
  const stores = {
    sqlite: await openSqliteStore({ folder: join(root, 'sqlite') }),
    postgres: await openPostgresStore({ url: await newDatabase('bench') }),
    ...(other === undefined ? {} : { other: await openPostgresStore({ url: other }) }),
  }
  const bare = await newDatabase('floor')
  const turns = { sqlite: [] as Turn[], postgres: [] as Turn[], other: [] as Turn[] }
  const floors = { batches: [] as number[], singles: [] as number[] }
  const loads: number[] = []
  const measured = Object.entries(stores) as [keyof typeof turns, Store][]
  // not counted: V8 compiles the code in it, which a server does once
  for (const [, store] of measured) await turn(store, -1)
  await floor(bare, 8, 2_000, BLOB_BYTES)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [engine, store] of measured) turns[engine].push(await turn(store, round))
    floors.batches.push(await floor(bare, 8, 2_000, BLOB_BYTES))
    floors.singles.push(await floor(bare, 64, 6_400, 60))
    loads.push(load())
    console.error(`round ${round + 1} of ${ROUNDS}, load ${load()}`)
  }
  const chart = {
    sqlite: await charts(stores.sqlite, 'r0-0', STEPS_A_ROUND),
    postgres: await charts(stores.postgres, 'r0-0', STEPS_A_ROUND),
  }
  for (let from = 0; from < LISTED; from += 200) await makeRuns(stores.postgres, 200, from)
  const listed = await timed(200, 20, () => stores.postgres.runs.list({ limit: 50 }))
  const [sqlite, postgres] = [middle(turns.sqlite), middle(turns.postgres)]
  const floorScalars = scalarsIn(median(floors.batches))
  const measuredOther = other === undefined ? undefined : middle(turns.other)
  const results = {
    ...machine(),
    loads,
    sqlite,
    postgres,
    ...(measuredOther && { other: measuredOther }),
    floor: { scalarsPerSecond: floorScalars, singlesPerSecond: median(floors.singles) },
    chartsP99: { sqlite: chart.sqlite.zoomed.p99, postgres: chart.postgres.zoomed.p99 },
    listOf10000: listed,
    ratios: {
      'ingest to SQLite': ratio(rates(turns.postgres), rates(turns.sqlite)),
      'ingest to the floor': ratio(rates(turns.postgres), floors.batches.map(scalarsIn)),
      'charts p99 to SQLite': chart.postgres.zoomed.p99 / chart.sqlite.zoomed.p99,
      'single steps to the floor': postgres.singlesPerSecond / median(floors.singles),
      ...(measuredOther && {
        'ingest of the other database to PostgreSQL':
          measuredOther.scalarsPerSecond / postgres.scalarsPerSecond,
        'single steps of the other database to PostgreSQL':
          measuredOther.singlesPerSecond / postgres.singlesPerSecond,
      }),
    },
  }
  console.log(JSON.stringify(results, null, 2))
  await writeResults(import.meta.dirname, results)
  for (const store of Object.values(stores)) await store.close()
} finally {
  await cluster.stop()
  rmSync(root, { recursive: true, force: true })
}
