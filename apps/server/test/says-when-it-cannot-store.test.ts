import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../src/storage/sqlite/engine/database.ts'
import { describe, expect, it } from 'vitest'
import { runCommand, startServer, type ServerProcess } from './server-process.ts'
import { tempFolder } from './start-app.ts'
import { Training } from './training.ts'

const canRun = (command: string, ...args: string[]) => spawnSync(command, args).status === 0

const FULL = 'The disk that holds the data is full.'
const FAILING = 'The disk that holds the data reports an error.'
const LOCKED = 'The data file is locked by another program.'
const DAMAGED = 'The data file is damaged.'

/** What the server says of its readiness: `ok`, or why not. */
async function readiness({ url }: ServerProcess): Promise<string> {
  const answer = await fetch(`${url}/readyz`)
  const { error } = (await answer.json()) as { error?: { code: string; message: string } }
  expect([answer.status, error?.code]).toEqual(error ? [503, 'store_unavailable'] : [200, undefined])
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  return error?.message ?? 'ok'
}

/** Sends until a batch is refused; a refusal is 503 and nothing else. */
async function sendUntilRefused(training: Training, { url }: ServerProcess): Promise<void> {
  for (;;) {
    const status = await training.sendNext(url)
    if (status === 200) continue
    expect(status).toBe(503)
    return
  }
}

describe('a server that cannot store says so, stores what it acknowledged, and recovers', () => {
  async function expectRefusalAndRecovery(
    server: ServerProcess,
    { why, mend }: { why: RegExp; mend: () => void },
  ) {
    const trainings = [new Training(1, 500), new Training(2, 64), new Training(3, 1)]
    for (const training of trainings) await training.create(server.url)
    await Promise.all(trainings.map((training) => sendUntilRefused(training, server)))
    // a batch may be refused where a smaller one fits
    await expect
      .poll(() => sendUntilRefused(trainings[0] as Training, server).then(() => readiness(server)))
      .toMatch(why)
    const acknowledged = trainings.map((training) => training.acknowledged)
    for (const training of trainings) expect(await training.stored(server.url)).toBe(training.acknowledged)
    mend()
    expect(await readiness(server)).toBe('ok')
    for (const training of trainings) expect(await training.sendNext(server.url)).toBe(200)
    for (const training of trainings) expect(await training.stored(server.url)).toBe(training.acknowledged)
    expect(trainings.map((training) => training.acknowledged - 1)).toEqual(acknowledged)
  }

  it.skipIf(!canRun('prlimit', '--version'))('when its files may not grow', async () => {
    const folder = await tempFolder()
    const server = await startServer(folder)
    const limit = (bytes: number | string) =>
      execFileSync('prlimit', ['--pid', String(server.process.pid), `--fsize=${bytes}:`])
    limit(2_000_000)
    await expectRefusalAndRecovery(server, {
      why: new RegExp(`^(${FULL}|${FAILING})$`),
      mend: () => limit('unlimited'),
    })
  })

  it.skipIf(!canRun('unshare', '-rm', 'true'))('when its disk is full', async () => {
    const disk = await tempFolder()
    const script = `mount -t tmpfs -o size=8m tmpfs '${disk}' && head -c 4m /dev/zero > '${disk}/ballast' && exec "$0" "$@"`
    const server = await startServer(join(disk, 'data'), [], {}, ['unshare', '-rm', 'sh', '-c', script])
    await expectRefusalAndRecovery(server, {
      why: new RegExp(`^${FULL}$`),
      mend: () => rmSync(`/proc/${server.process.pid}/root${disk}/ballast`),
    })
  })

  it('when another program has locked the file', async () => {
    const folder = await tempFolder()
    const server = await startServer(folder)
    const training = new Training(1, 7)
    await training.create(server.url)
    expect(await training.sendNext(server.url)).toBe(200)
    const other = openDatabase(join(folder, 'normwatch.db'))
    other.exec('begin exclusive')
    await sendUntilRefused(training, server)
    expect(await readiness(server)).toBe(LOCKED)
    expect(await training.stored(server.url)).toBe(1)
    other.exec('rollback')
    other.close()
    expect(await readiness(server)).toBe('ok')
    expect(await training.sendNext(server.url)).toBe(200)
    await training.expectStored(server.url)
  })
})

it('says that its file is damaged until it is started on a backup', async () => {
  const [folder, restored] = [await tempFolder(), await tempFolder()]
  const file = join(folder, 'normwatch.db')
  const first = await startServer(folder)
  const training = new Training(1, 500)
  await training.create(first.url)
  for (let i = 0; i < 100; i++) await training.sendNext(first.url)
  expect(await runCommand(['backup', join(restored, 'normwatch.db'), '--data', folder])).toMatchObject({
    code: 0,
  })
  expect((await first.end('SIGTERM')).code).toBe(0)
  damagePages(file, 'leaves')
  const server = await startServer(folder)
  // what is read beside ingest may have met the damage already
  expect(['ok', DAMAGED]).toContain(await readiness(server))
  const answer = await fetch(
    `${server.url}/api/v1/runs/${training.run}/series?metric=loss&from=20000&to=21000`,
  )
  expect(await answer.json()).toMatchObject({ error: { code: 'store_unavailable', message: DAMAGED } })
  expect(await readiness(server)).toBe(DAMAGED)
  const again = await startServer(restored)
  expect(await readiness(again)).toBe('ok')
  await training.expectStored(again.url)
})

it('is not ready while its folder has another name, and stores on', async () => {
  const folder = await tempFolder()
  const server = await startServer(join(folder, 'data'))
  const training = new Training(1, 10)
  await training.create(server.url)
  renameSync(join(folder, 'data'), join(folder, 'moved'))
  expect(await readiness(server)).toBe('The data file was moved or removed while the server was running.')
  expect(await training.sendNext(server.url)).toBe(200)
  renameSync(join(folder, 'moved'), join(folder, 'data'))
  expect(await readiness(server)).toBe('ok')
  expect(await training.stored(server.url)).toBe(training.acknowledged)
})

it('acknowledges nothing once its files are removed', async () => {
  const folder = await tempFolder()
  const server = await startServer(folder)
  const training = new Training(1, 7)
  await training.create(server.url)
  expect(await training.sendNext(server.url)).toBe(200)
  rmSync(folder, { recursive: true })
  expect(await training.sendNext(server.url)).toBe(503)
  expect(await readiness(server)).toBe('The data file was removed while the server used it.')
})

describe('a start is refused with one sentence', () => {
  const refusal = (folder: string, through: readonly string[] = []) =>
    startServer(folder, [], {}, through).then(
      () => expect.fail('it started'),
      ({ message }: Error) => message,
    )

  it('where another program has locked the file', async () => {
    const folder = await tempFolder()
    await (await startServer(folder)).end('SIGTERM')
    const other = openDatabase(join(folder, 'normwatch.db'))
    other.exec('begin exclusive')
    expect(await refusal(folder)).toBe(
      `the server did not start: The data folder ${folder} cannot be used: ${LOCKED}\n`,
    )
    other.close()
    await startServer(folder)
  })

  it('where the file is not an SQLite database', async () => {
    const folder = await tempFolder()
    writeFileSync(join(folder, 'normwatch.db'), 'This is no database. '.repeat(500))
    expect(await refusal(folder)).toMatch(
      /cannot be used: The data file is damaged: it is not an SQLite database\.\n$/,
    )
  })

  // root may write everywhere: then it is another user who starts the server
  const asNobody =
    process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  const canBeNobody = canRun(
    'env',
    ...asNobody,
    process.execPath,
    '--check',
    join(import.meta.dirname, '../src/main.ts'),
  )

  it.skipIf(!canBeNobody)('where the folder is read-only', async () => {
    const root = await tempFolder()
    chmodSync(root, 0o755)
    const folder = join(root, 'data')
    mkdirSync(folder, { mode: 0o555 })
    expect(await refusal(folder, asNobody)).toMatch(
      /^the server did not start: \S*data may not be read and written by this user: chown \d+ \S*data gives it to this user\.\n$/,
    )
    expect(await refusal(join(folder, 'deeper'), asNobody)).toMatch(
      /cannot be used: this user may not make it; name another with --data or NORMWATCH_DATA\.\n$/,
    )
  })
})

/** Overwrites every page of a table but its first. */
function damagePages(file: string, table: string): void {
  const db = openDatabase(file, { readonly: true })
  const pages = db.prepare('select pgoffset from dbstat where name = ? order by pageno').all(table)
  db.close()
  const handle = openSync(file, 'r+')
  for (const { pgoffset } of pages.slice(1) as { pgoffset: number }[]) {
    writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, pgoffset)
  }
  closeSync(handle)
}
