import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from './database.ts'
import { afterAll, describe, expect, it } from 'vitest'
import { append, columns } from '../../store.fixture.ts'
import { StoreUnavailable } from '../../store.ts'
import { CannotOpenStore, openSqliteStore } from '../open.ts'

const root = mkdtempSync(join(tmpdir(), 'normwatch-'))
afterAll(() => rmSync(root, { recursive: true }))
const emptyFolder = () => mkdtempSync(join(root, 'data-'))

const refusal = async (folder: string): Promise<string> => {
  const error: unknown = await openSqliteStore({ folder }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(CannotOpenStore)
  return (error as CannotOpenStore).message
}

describe('a data folder that cannot be used is refused with a sentence', () => {
  it('when another store holds it', async () => {
    const folder = emptyFolder()
    const store = await openSqliteStore({ folder })
    expect(await refusal(folder)).toBe(`The data folder ${folder} is in use by another Normwatch process.`)
    await store.close()
    await (await openSqliteStore({ folder })).close()
  })

  it('when a newer program wrote it', async () => {
    const folder = emptyFolder()
    await (await openSqliteStore({ folder })).close()
    const db = openDatabase(join(folder, 'normwatch.db'))
    db.exec("insert into __drizzle_migrations (hash, created_at) values ('from the future', 9e12)")
    db.close()
    expect(await refusal(folder)).toMatch(/was written by a newer version of Normwatch/)
  })

  it('when it is a file, or the data file is not an SQLite database', async () => {
    const file = join(root, 'a-file')
    writeFileSync(file, 'x')
    expect(await refusal(file)).toMatch(/^The data folder .*a-file cannot be used: /)
    const folder = emptyFolder()
    writeFileSync(join(folder, 'normwatch.db'), 'This is not a database. '.repeat(500))
    expect(await refusal(folder)).toMatch(/The data file is damaged: it is not an SQLite database\.$/)
  })
})

it('says that a damaged file is damaged, and keeps serving other runs', async () => {
  const folder = emptyFolder()
  const store = await openSqliteStore({ folder })
  const steps = Array.from({ length: 20_000 }, (_, i) => i)
  for (const run of ['bad', 'good']) {
    await store.runs.put(run, {}, 0)
    const loss = steps.map(() => Math.random())
    await append(store, { run, columns: columns(steps, { loss }) })
  }
  await store.close()
  const db = openDatabase(join(folder, 'normwatch.db'))
  db.exec('update leaves set columns = zeroblob(100) where run = 1')
  db.close()
  const again = await openSqliteStore({ folder })
  const question = { metrics: ['loss'], from: 1000, to: 1100, maxPoints: 4000 }
  await expect(again.points.series({ ...question, run: 'bad' })).rejects.toBeInstanceOf(StoreUnavailable)
  expect((await again.points.series({ ...question, run: 'good' })).total).toBe(101)
  await again.close()
})

it('says that the file is damaged when its pages are overwritten', async () => {
  const folder = emptyFolder()
  const store = await openSqliteStore({ folder })
  await store.runs.put('run', {}, 0)
  const steps = Array.from({ length: 200_000 }, (_, i) => i)
  const loss = steps.map(() => Math.random())
  await append(store, { run: 'run', columns: columns(steps, { loss }) })
  await store.close()
  const file = join(folder, 'normwatch.db')
  const { size } = statSync(file)
  const handle = openSync(file, 'r+')
  for (let at = 100 * 4096; at < size; at += 4096) writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, at)
  closeSync(handle)
  const again = await openSqliteStore({ folder })
  await expect(
    (async () => {
      for await (const _ of again.points.read('run', {})) void _
    })(),
  ).rejects.toThrow(/^The data file is damaged/)
  await again.close()
})

const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', root]).status === 0

it.skipIf(!canMount)(
  'refuses points on a full disk, keeps those acknowledged, and recovers',
  { timeout: 60_000 },
  () => {
    const disk = join(root, 'disk')
    mkdirSync(disk)
    const fixture = join(import.meta.dirname, 'full-disk.fixture.ts')
    const script = `mount -t tmpfs -o size=6m tmpfs '${disk}' && exec '${process.execPath}' '${fixture}' '${disk}'`
    const outcome = JSON.parse(
      execFileSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' }),
    ) as {
      whenFull: Record<string, unknown>
    }
    const full = 'The disk that holds the data is full.'
    const acknowledged = outcome.whenFull['acknowledged'] as number
    expect(acknowledged).toBeGreaterThan(1000)
    expect(outcome).toEqual({
      whenFull: { refusal: full, ready: full, acknowledged, stored: acknowledged },
      afterwards: { refusal: null, ready: null },
      acknowledged: acknowledged + 500,
      stored: acknowledged + 500,
    })
  },
)

it.skipIf(!canMount)('refuses a folder on a read-only disk', { timeout: 60_000 }, () => {
  const folder = join(root, 'read-only')
  mkdirSync(folder)
  const script = `mount -t tmpfs -o size=8m tmpfs '${folder}' && mount -o remount,ro '${folder}' && exec '${process.execPath}' --input-type=module-typescript -e "${openIt(folder)}"`
  expect(execFileSync('unshare', ['-rm', 'sh', '-c', script], { encoding: 'utf8' })).toMatch(
    /^The data folder .* cannot be used: .*read-only/,
  )
})

const openIt = (folder: string): string =>
  `import { openSqliteStore } from '${join(import.meta.dirname, '../open.ts')}';` +
  `await openSqliteStore({ folder: '${folder}/data' }).catch((error) => console.log(error.message))`
