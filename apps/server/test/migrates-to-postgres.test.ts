import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { openPostgresStore } from '../src/storage/postgres/open.ts'
import { startReceiver } from './alerts-receiver.ts'
import { examplesIn, normwatch, NORMWATCH } from './command-line.ts'
import { ask, emptyDatabase } from './postgres.ts'
import { runServer, startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'
import { Training } from './training.ts'

/** The operator's token: its use is noted nowhere. */
const OPERATOR = `nw_${'0'.repeat(43)}`
const patience = { timeout: 60_000 }

/** A server on a data folder, or on a database. */
function serve(folder: string, database = 'none', token = OPERATOR) {
  const flags = ['--webhook-allow', '127.0.0.0/8', '--group-seconds', '0']
  return startServer(folder, flags, { NORMWATCH_DATABASE_URL: database, NORMWATCH_TOKEN: token })
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers freely
async function call(url: string, method: string, path: string, body?: object): Promise<any> {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${OPERATOR}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
}

/** Resolves once the server has explained what was not explained yet. */
async function allExplained(url: string): Promise<void> {
  const unexplained = async () =>
    (await call(url, 'GET', '/findings?limit=200')).findings.filter(
      ({ explained }: { explained: boolean }) => !explained,
    )
  await expect.poll(unexplained, { timeout: 60_000 }).toEqual([])
}

/** What a server answers to everything that can be asked about its data. */
async function answersOf(url: string, except: readonly string[]): Promise<Record<string, unknown>> {
  await allExplained(url)
  const paths = [
    '/runs?limit=2',
    '/runs?sort=name',
    '/projects',
    '/findings?limit=200',
    '/channels',
    '/mutes',
    '/deliveries',
    '/tokens',
  ]
  for (const { id, project } of (await call(url, 'GET', '/runs?limit=200')).runs) {
    paths.push(`/projects/${project}/settings`)
    for (const part of ['', '/points', '/findings', '/events', '/settings', '/layers'])
      paths.push(`/runs/${id}${part}`)
    for (const range of ['', '&from=100&to=4000'])
      paths.push(`/runs/${id}/series?metric=grad_norm&metric=loss&max_points=200${range}`)
  }
  // each server explains findings by itself after its start
  const findings = async () => JSON.stringify(await call(url, 'GET', '/findings?limit=1000'))
  await expect.poll(findings, { timeout: 60_000 }).not.toContain('"explained":false')
  const answers: Record<string, unknown> = {}
  for (const path of paths.filter((one) => !except.includes(one)))
    answers[path] = await call(url, 'GET', path)
  return answers
}

/** Both servers answer alike: that on the folder, and that on the database it was moved into. */
async function expectSameAnswers(
  folder: string,
  database: string,
  except: readonly string[] = [],
): Promise<{ url: string }> {
  const before = await serve(folder)
  const expected = await answersOf(before.url, except)
  expect(Object.keys(expected).length).toBeGreaterThan(20)
  await before.end('SIGTERM')
  const after = await serve(await tempFolder(), database)
  expect(await answersOf(after.url, except)).toEqual(expected)
  return after
}

const steps = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

/** A folder as servers leave it after some use, with the secrets of a token and a session. */
async function usedFolder() {
  const folder = await tempFolder()
  const receiver = await startReceiver()
  const { url, end } = await serve(folder)
  await call(url, 'POST', '/channels', { name: 'ours', kind: 'webhook', url: receiver.url })
  await call(url, 'POST', '/mutes', { run: 'quiet', until: '2030-01-01T00:00:00Z' })
  const { token: secret } = await call(url, 'POST', '/tokens', { name: 'ci', scope: 'write' })
  await call(url, 'PUT', '/projects/toys/settings', { clip_saturated: { open_rate: 0.7 } })
  await call(url, 'PUT', '/runs/clipped', {
    project: 'toys',
    name: 'ä norm "above" its cap',
    clip: { mode: 'norm', max_norm: 1 },
    config: { lr: 0.1, layers: [1, 2] },
    tags: ['a', 'b'],
  })
  for (let at = 0; at < 6_000; at += 500) {
    const step = steps(500, at)
    const columns = {
      step,
      time: step.map((one) => 1_764_000_000 + one / 8),
      grad_norm: step.map((one) => 5 + Math.sin(one)),
      'grad_norm/critic': step.map((one) => 2 + Math.cos(one)),
      loss: step.map((one) => (one === 77 ? 'NaN' : Math.fround(1 / (one + 1)))),
      'layers/encoder.0': step.map((one) => one / 7),
    }
    await call(url, 'POST', '/runs/clipped/points', { columns })
  }
  await call(url, 'POST', '/runs/clipped/events', {
    events: [{ step: 40, label: 'checkpoint', text: 'saved' }],
  })
  await call(url, 'PATCH', '/runs/clipped', { notes: 'kept\nas it is' })
  for (const id of ['quiet', 'gone']) {
    await call(url, 'PUT', `/runs/${id}`, {})
    await call(url, 'POST', `/runs/${id}/points`, { columns: { step: steps(700), grad_norm: steps(700) } })
  }
  await call(url, 'PATCH', '/runs/quiet', { status: 'finished' })
  await call(url, 'PUT', '/runs/quiet/settings', { clip_saturated: { enabled: false } })
  await expect.poll(() => receiver.received.length, patience).toBeGreaterThan(0)
  await expect
    .poll(async () => JSON.stringify(await call(url, 'GET', '/deliveries')), patience)
    .not.toContain('"pending"')
  const signedIn = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: secret }),
  })
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0]
  await call(url, 'DELETE', '/runs/gone')
  await end('SIGTERM')
  return { folder, secret: String(secret), cookie: String(cookie) }
}

it('moves a used data folder into a database whose server then answers the same, secrets included', async () => {
  const { folder, secret, cookie } = await usedFolder()
  const database = await emptyDatabase()
  const [example] = examplesIn((await normwatch(['migrate', '--help'])).stdout)
  const here = { NORMWATCH_DATABASE_URL: database, NORMWATCH_DATA: folder }
  const moved = await normwatch(example as string[], here)
  expect(moved).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      / is in the database, and every row was compared: 2 runs, [\d,]+ rows, in /,
    ),
  })
  const { url } = await expectSameAnswers(folder, database)
  const session = await fetch(`${url}/api/v1/session`, { headers: { cookie } })
  expect(await session.json()).toMatchObject({ caller: { name: 'ci' } })
  const asCi = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const sent = await fetch(`${url}/api/v1/runs/clipped/points`, {
    method: 'POST',
    headers: asCi,
    body: JSON.stringify({ columns: { step: [6000], grad_norm: [5] } }),
  })
  expect(sent.status).toBe(200)
  // what is new comes behind what was moved
  await call(url, 'PUT', '/runs/new', {})
  expect((await call(url, 'GET', '/runs?sort=created')).runs[0]).toMatchObject({ id: 'new' })
  const secretsOf = `select secret from channels`
  const stored = await ask<{ secret: string }>(database, secretsOf)
  expect(stored).toMatchObject([{ secret: expect.stringMatching(/^whsec_/) }])
})

/** A data folder of version 0.1.0. Whoever serves it tries its pending delivery at once. */
async function oldFolder(): Promise<string> {
  const folder = await tempFolder()
  const fixture = await readFile(join(import.meta.dirname, 'fixtures/data-0.1.0.db.zst'))
  await writeFile(join(folder, 'normwatch.db'), zstdDecompressSync(fixture))
  return folder
}

it('moves a data folder of an older version', async () => {
  const folder = await oldFolder()
  const database = await emptyDatabase()
  // addresses without a password may be given on the command line
  expect(await normwatch(['migrate', '--data', folder, '--to', database])).toMatchObject({ code: 0 })
  await expectSameAnswers(folder, database, ['/channels', '/deliveries'])
})

/** Calls `migrate` and kills it where it waits for the table, which the test has locked. */
async function killedAt(table: string, folder: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await client.query(`begin; lock table ${table} in exclusive mode`)
  const child = spawn(process.execPath, [NORMWATCH, 'migrate', '--data', folder, '--to', database], {
    env: { PATH: process.env['PATH'] },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    and application_name = 'normwatch migrate'`
  await expect.poll(async () => (await ask(database, waits)).length, patience).toBe(1)
  child.kill('SIGKILL')
  expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
  await client.query('rollback')
  await client.end()
}

it('goes on after SIGKILL, keeps servers out meanwhile, and begins anew if the folder has changed', async () => {
  const folder = await tempFolder()
  const trainings = [new Training(1, 64), new Training(2, 500, true)]
  const server = await serve(folder, 'none', 'none')
  for (const training of trainings) {
    await training.create(server.url)
    for (let batch = 0; batch < 12; batch++) expect(await training.sendNext(server.url)).toBe(200)
  }
  const database = await emptyDatabase()
  const refused = await normwatch(['migrate', '--data', folder, '--to', database])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('is in use by another') })
  await server.end('SIGTERM')

  // the tables are there, and empty
  const first = await serve(await tempFolder(), database, 'none')
  const inUse = await normwatch(['migrate', '--data', folder, '--to', database])
  expect(inUse).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('A Normwatch server uses this database'),
  })
  await first.end('SIGTERM')
  await killedAt('runs', folder, database)
  const early = await runServer(['--port', '0', '--data', await tempFolder()], {
    NORMWATCH_DATABASE_URL: database,
  })
  expect(early).toMatchObject({
    code: 1,
    output: expect.stringContaining('let "normwatch migrate" finish it'),
  })
  const other = await normwatch(['migrate', '--data', await oldFolder(), '--to', database])
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('whose move is not finished') })
  await killedAt('tail', folder, database)

  const again = await serve(folder, 'none', 'none')
  for (const training of trainings) expect(await training.sendNext(again.url)).toBe(200)
  await again.end('SIGTERM')
  const anew = await normwatch(['migrate', '--data', folder, '--to', database])
  expect(anew).toMatchObject({ code: 0, stdout: expect.not.stringContaining('by an earlier call') })
  const second = await emptyDatabase()
  await (await openPostgresStore({ url: second })).close()
  await killedAt('tail', folder, second)
  const ended = await normwatch(['migrate', '--data', folder, '--to', second])
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('of them by an earlier call') })
  for (const moved of [database, second]) {
    const { url } = await serve(await tempFolder(), moved, 'none')
    for (const training of trainings) await training.expectStored(url, true)
  }
})

it('says in one sentence why it moves nothing, and never a password', async () => {
  const folder = await oldFolder()
  const database = await emptyDatabase()
  const migrate = (...args: string[]) => normwatch(['migrate', '--data', folder, ...args])
  expect(await migrate()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('NORMWATCH_DATABASE_URL'),
  })
  const wrong = await migrate('--to', 'mysql://me:hush@127.0.0.1/x')
  expect(wrong).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--to is no address of a database'),
  })
  const nowhere = await migrate('--to', 'postgres://me:hush@127.0.0.1:1/x')
  expect(nowhere).toMatchObject({ code: 1, stderr: 'The database cannot be reached.\n' })
  expect(wrong.stderr + nowhere.stderr).not.toContain('hush')
  const empty = await normwatch(['migrate', '--data', await tempFolder(), '--to', database])
  expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no data in ') })
  await ask(database, 'create table mine (x int)')
  expect(await migrate('--to', database)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('tables of another program'),
  })
  await ask(database, 'drop table mine')
  expect(await migrate('--to', database)).toMatchObject({ code: 0 })
  expect(await migrate('--to', database)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('already holds data of Normwatch'),
  })
})
