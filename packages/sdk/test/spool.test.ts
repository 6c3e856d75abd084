import {
  appendFile,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Batcher } from '../src/batcher.ts'
import { sync } from '../src/index.ts'
import { Outbox } from '../src/outbox.ts'
import { listLeftovers, takeOver } from '../src/node/list-spool-files.ts'
import { SpoolFile } from '../src/node/spool-file.ts'
import { sendSpoolFiles } from '../src/node/sync.ts'
import { Recorder } from '../src/recorder.ts'
import type { Place, Spool } from '../src/spool.ts'
import { Tally } from '../src/tally.ts'
import { readFixture } from './fixtures.ts'
import { refusal, SmallServer } from './small-server.ts'
import { PATIENCE, startSdk } from './start.ts'

interface SpoolCase {
  name: string
  file: object[]
  torn_tail: string
  server_knows_run: boolean
  requests: { method: string; path: string; body: unknown; answer: number }[]
}
const { cases } = readFixture<{ cases: SpoolCase[] }>('spool')
const HEAD = { normwatch: 1, url: 'http://127.0.0.1:1', run: 'toy', pid: 1, host: 'h', fields: {} } as const

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'normwatch-spool-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A file on a disk that is always full (/dev/full). It is a link, so that removing it does not remove the device. */
async function fullDisk(): Promise<string> {
  const path = join(await makeFolder(), 'full.ndjson')
  await symlink('/dev/full', path)
  return path
}

describe('a spool file', { timeout: 30_000 }, () => {
  it.each(cases)(
    'becomes the requests that could not be sent: $name',
    async ({ file, torn_tail, server_knows_run, requests }) => {
      const folder = await makeFolder()
      const server = await new SmallServer().listen()
      onTestFinished(() => server.close())
      const { run } = file[0] as { run: string }
      if (server_knows_run) server.runs.set(run, [])
      const path = join(folder, `${run}.x.ndjson`)
      await writeFile(path, file.map((line) => `${JSON.stringify(line)}\n`).join('') + torn_tail)
      const send = async () => (await sync({ spoolDir: folder, url: server.url })).filesLeft
      expect(await send(), 'its writer, on another machine, may be alive').toHaveLength(1)
      await utimes(path, 0, 0)
      expect(await send()).toEqual([])
      expect(server.requests.map(({ method, path, body }) => ({ method, path, body }))).toEqual(
        requests.map(({ method, path, body }) => ({ method, path, body })),
      )
    },
  )

  it('with refused readings can be sent again once the reason is fixed', async () => {
    const { server, spoolDir, start } = await startSdk()
    server.misbehave = ({ path }) =>
      path.endsWith('/points') ? refusal(400, 'points_invalid', 'no') : undefined
    const run = start({ id: 'toy' })
    run.log({ loss: 1 })
    await run.finish()
    const file = join(spoolDir, (await readdir(spoolDir))[0] ?? '')
    const send = () => sendSpoolFiles([file], { all: true })
    expect(await sync({ spoolDir })).toEqual({ sent: 0, refused: 0, filesLeft: [] })
    expect(await send()).toEqual({ sent: 0, refused: 0, filesLeft: [file] })
    server.misbehave = () => undefined
    expect(await send()).toEqual({ sent: 1, refused: 0, filesLeft: [] })
    expect(server.steps('toy')).toEqual([[0, { loss: 1 }]])
    expect(await readdir(spoolDir)).toEqual([])
  })

  it('is written by a run of this SDK, without its token', async () => {
    const { start, spooled } = await startSdk()
    const run = start({
      id: 'toy',
      mode: 'offline',
      token: 'nw_secret',
      maxNorm: 1,
      resume: true,
      fromStep: 3,
    })
    run.log({ gradNorm: NaN })
    const report = await run.finish()
    expect(report).toMatchObject({ sent: 0, unsent: 1, lost: 0 })
    const [lines] = [...(await spooled()).values()]
    expect(lines).toEqual([
      expect.objectContaining({
        normwatch: 1,
        run: 'toy',
        pid: process.pid,
        fields: { clip: { mode: 'norm', max_norm: 1 } },
      }),
      { patch: { status: 'running', truncate_after: 2 } },
      { columns: { step: [3], time: [expect.any(Number)], grad_norm: ['NaN'] } },
      { patch: { status: 'finished' } },
    ])
    expect(JSON.stringify(lines)).not.toContain('nw_secret')
  })

  it('returns each item from its place, even after half a line was left in the file', async () => {
    const path = join(await makeFolder(), 'deep', 'toy.ndjson')
    const spool = new SpoolFile(path, HEAD)
    const items = [1, 2, 3].map((step) => ({ columns: { step: [step], note: ['NaN' as const] } }))
    const places = []
    for (const item of items) places.push(await spool.append(item))
    for (const [i, place] of places.entries()) expect(await spool.read(place)).toEqual(items[i])
    await appendFile(path, '{"half')
    spool.appendNow({ patch: { status: 'failed' } })
    await spool.clear()
    await expect(spool.read(places[0] as Place)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('starts again with its head when a sync has sent and removed it', async () => {
    const path = join(await makeFolder(), 'toy.ndjson')
    const spool = new SpoolFile(path, HEAD)
    const first = await spool.append({ patch: { status: 'running' } })
    await rm(path)
    const place = await spool.append({ patch: { status: 'failed' } })
    expect(await spool.read(place)).toEqual({ patch: { status: 'failed' } })
    await expect(spool.read(first), 'of the file that is gone').rejects.toMatchObject({ code: 'ENOENT' })
    const lines = (await readFile(path, 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([HEAD, { patch: { status: 'failed' } }])
  })

  it('rejects on a full disk', async () => {
    const spool = new SpoolFile(await fullDisk(), HEAD)
    await expect(spool.append({ patch: {} })).rejects.toThrow('ENOSPC')
    expect(() => spool.appendNow({ patch: {} })).toThrow('ENOSPC')
  })
})

it('of several processes that find a file at once, one sends it and the others find it gone', async () => {
  const { server, spoolDir, start } = await startSdk()
  const run = start({ id: 'toy', mode: 'offline' })
  run.log({ loss: 1 })
  const { spool } = await run.finish()
  const found = await listLeftovers(spoolDir, { url: server.url, run: 'toy' })
  expect(found).toEqual([spool])
  const [taken] = await Promise.allSettled(found.map((path) => takeOver(path, 'toy')))
  await expect(takeOver(spool as string, 'toy')).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await sendSpoolFiles(found, {})).toEqual({ sent: 0, refused: 0, filesLeft: [] })
  expect(taken).toMatchObject({ status: 'fulfilled', value: expect.stringContaining('toy.') as string })
  expect(await sync({ spoolDir })).toEqual({ sent: 1, refused: 0, filesLeft: [] })
})

it('files of one run are sent in the order in which they were written', async () => {
  const { server, spoolDir, start } = await startSdk()
  for (const status of ['failed', 'finished'] as const) {
    const run = start({ id: 'toy', mode: 'offline', resume: true, fromStep: 0 })
    run.log({ loss: status === 'failed' ? 1 : 2 })
    const { spool } = await run.finish({ status })
    // in alphabetical order, the second would come first
    const [name, at] = status === 'failed' ? ['toy.b.ndjson', 1] : ['toy.a.ndjson', 2]
    await rename(spool as string, join(spoolDir, name))
    await utimes(join(spoolDir, name), at, at)
  }
  expect(await sync({ spoolDir })).toEqual({ sent: 2, refused: 0, filesLeft: [] })
  expect(server.steps('toy')).toEqual([[0, { loss: 2 }]])
  expect(server.runs.get('toy')?.at(-1)).toEqual({ status: 'finished' })
})

it('a folder of many files is read without leaving a file open', { timeout: 30_000 }, async () => {
  const folder = await makeFolder()
  const lines = `${JSON.stringify(HEAD)}\n${`${JSON.stringify({ patch: { status: 'running' } })}\n`.repeat(10_000)}`
  for (let i = 0; i < 20; i++) await writeFile(join(folder, `toy.${i}.ndjson`), lines)
  const openFiles = async () => (await readdir('/proc/self/fd')).length
  const before = await openFiles()
  expect(await listLeftovers(folder, { url: HEAD.url, run: 'another' })).toEqual([])
  expect((await sync({ spoolDir: folder })).filesLeft).toHaveLength(20)
  await vi.waitFor(async () => expect(await openFiles()).toBeLessThanOrEqual(before), PATIENCE)
})

describe('the outbox', () => {
  function fill(spool: Spool | undefined, maxBytes: number, points: number) {
    let lost = 0
    const failures: string[] = []
    const tally = new Tally()
    const outbox = new Outbox({
      spool,
      maxBytes,
      tally,
      onSpoolFailure: (error) => failures.push(String(error)),
      onLost: (count) => (lost += count),
    })
    const batcher = new Batcher({
      maxAgeMs: Infinity,
      onBatch: (batch) => outbox.add(batch),
      onEvents: () => {},
    })
    const recorder = new Recorder({
      batcher,
      now: () => 1e12,
      firstStep: 0,
      refuse: () => {},
      doubt: () => {},
    })
    for (let i = 0; i < points; i++) recorder.record({ gradNorm: i, loss: i })
    batcher.seal()
    return { outbox, failures, tally, lost: () => lost }
  }

  it('moves to the disk in order, and is read back completely', async () => {
    const { outbox, tally } = fill(new SpoolFile(join(await makeFolder(), 'toy.ndjson'), HEAD), 1e6, 45_000)
    expect(outbox.isOverBound).toBe(true)
    await outbox.spill()
    expect(outbox.isInMemory).toBe(false)
    expect(outbox.isOverBound).toBe(false)
    expect(tally.of('spooled')).toBe(45_000)
    const steps: unknown[] = []
    for (let entry = outbox.head(); entry !== undefined; entry = outbox.head()) {
      const item = await outbox.read(entry)
      if ('columns' in item) steps.push(...(item.columns['step'] as unknown[]))
      await outbox.remove(entry)
    }
    expect(steps).toEqual(Array.from({ length: 45_000 }, (_, i) => i))
    expect(tally.of('spooled')).toBe(0)
  })

  it('continues when its file can be written but not removed', async () => {
    const spool = new SpoolFile(join(await makeFolder(), 'toy.ndjson'), HEAD)
    spool.clear = () => Promise.reject(new Error('EPERM'))
    const { outbox, failures } = fill(spool, 1e6, 10)
    await outbox.spill()
    await outbox.remove(outbox.head()!)
    await outbox.spill()
    expect(outbox.waiting).toBe(0)
    expect(new Set(failures)).toEqual(new Set(['Error: EPERM']))
  })

  it('counts the oldest readings as lost when memory is full and it cannot spill', () => {
    const { outbox, lost } = fill(undefined, 1e6, 500_000)
    expect(lost()).toBeGreaterThan(0)
    expect(lost() + outbox.points).toBe(500_000)
  })

  it('stays in memory on a full disk', async () => {
    const { outbox, failures } = fill(new SpoolFile(await fullDisk(), HEAD), 1e6, 45_000)
    await outbox.spill()
    expect(failures).toEqual([expect.stringContaining('ENOSPC')])
    expect(outbox.pointsInMemory).toBe(45_000)
  })
})
