import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { writeFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sync } from '../src/index.ts'
import { SpoolFile } from '../src/node/spool-file.ts'
import { SmallServer } from './small-server.ts'
import { PATIENCE, startSdk } from './start.ts'

const AWAY = { status: 503 }

describe('a run whose server is away', { timeout: 30_000 }, () => {
  it('writes its readings to the spool at once, and sends them in order when the server is back', async () => {
    const { server, start, spooled } = await startSdk()
    let isAway = true
    server.misbehave = () => (isAway ? AWAY : undefined)
    const run = start({ id: 'toy' })
    for (let i = 0; i < 50; i++) run.log({ loss: i })
    await vi.waitFor(async () => expect((await spooled()).size).toBe(1), PATIENCE)
    for (let i = 50; i < 100; i++) run.log({ loss: i })
    isAway = false
    expect(await run.finish()).toEqual({
      sent: 100,
      unsent: 0,
      refused: 0,
      lost: 0,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    const order = server.requests
      .filter(({ path }) => path.endsWith('/points'))
      .flatMap(({ body }) => (body as { columns: { step: number[] } }).columns.step)
    expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(await spooled()).toEqual(new Map())
  })

  it('does the same if the server accepts connections and never answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close().closeAllConnections())
    await once(silent, 'listening')
    const { start, spooled } = await startSdk()
    const run = start({ id: 'toy', url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` })
    for (let i = 0; i < 50; i++) run.log({ loss: i })
    const lines = async () => JSON.stringify([...(await spooled()).values()])
    await vi.waitFor(async () => expect(await lines()).toMatch(/\b49\]/), PATIENCE)
    expect(await run.finish({ timeoutMs: 50 })).toMatchObject({ sent: 0, unsent: 50, lost: 0 })
  })

  it('counts and keeps what is being sent when its time is up, and a sync sends it once', async () => {
    const { server, spoolDir, start } = await startSdk()
    const run = start({ id: 'toy' }, { openSpool: deadWriter(spoolDir) })
    expect(await run.flush()).toBe(true)
    const answered = Promise.withResolvers<void>()
    server.misbehave = () => answered.promise.then(() => 'hang up')
    for (let i = 0; i < 10; i++) run.log({ loss: i })
    void run.flush()
    await vi.waitFor(() => expect(server.requests.at(-1)?.path).toMatch(/points$/), PATIENCE)
    expect(await run.finish({ timeoutMs: 0 })).toMatchObject({ sent: 0, unsent: 10, refused: 0, lost: 0 })
    expect(await run.finish()).toMatchObject({ unsent: 10 })
    expect(await run.flush()).toBe(false)
    answered.resolve()
    server.misbehave = () => undefined
    expect(await sync({ spoolDir })).toEqual({ sent: 10, refused: 0, filesLeft: [] })
    expect(server.taken).toBe(10)
  })

  it.each([Infinity, 2 ** 40])('waits as long as timeoutMs says, even %d ms', async (timeoutMs) => {
    const { server, start } = await startSdk()
    server.misbehave = (_request, number) => (number < 3 ? AWAY : undefined)
    const run = start({ id: 'toy' })
    run.log({ loss: 1 })
    expect(await run.finish({ timeoutMs })).toMatchObject({ sent: 1, unsent: 0 })
  })

  it('reports at its end what could not be sent, and a sync sends it once', async () => {
    const { server, spoolDir, start, warnings, spooled } = await startSdk()
    server.misbehave = () => AWAY
    const run = start({ id: 'toy', maxNorm: 1 }, { openSpool: deadWriter(spoolDir) })
    for (let i = 0; i < 100; i++) run.log({ loss: i })
    const report = await run.finish({ timeoutMs: 100 })
    expect(report).toMatchObject({ sent: 0, unsent: 100, lost: 0 })
    expect(report.spool).toContain(spoolDir)
    expect(warnings.at(-1)).toContain('100 points could not be sent; they are kept in')

    server.misbehave = () => undefined
    expect(await sync({ spoolDir })).toEqual({ sent: 100, refused: 0, filesLeft: [] })
    expect(await spooled()).toEqual(new Map())
    expect(await sync({ spoolDir })).toEqual({ sent: 0, refused: 0, filesLeft: [] })
    expect(server.runs.get('toy')).toEqual([{ clip: { mode: 'norm', max_norm: 1 } }, { status: 'finished' }])
    expect(server.steps('toy')).toHaveLength(100)
  })

  it('sends, with the next run, what an earlier process left for this server, and nothing else', async () => {
    const { server, spoolDir, start } = await startSdk()
    server.misbehave = () => AWAY
    const elsewhere = await new SmallServer().listen()
    for (const [id, url] of [
      ['mine', server.url],
      ['other', elsewhere.url],
    ] as const) {
      elsewhere.misbehave = () => AWAY
      const run = start({ id, url }, { openSpool: deadWriter(spoolDir) })
      run.log({ loss: 1 })
      await run.finish({ timeoutMs: 0 })
    }
    server.misbehave = () => undefined
    await Promise.all(['next', 'and next'].map((name) => start({ name }).finish()))
    await vi.waitFor(() => expect(server.runs.get('mine')).toEqual([{}, { status: 'finished' }]), PATIENCE)
    // one request finds that the run is unknown, the second is stored; no more, although two runs looked into the spool
    expect(server.requests.filter(({ path }) => path === '/api/v1/runs/mine/points')).toHaveLength(2)
    expect(server.runs.has('other')).toBe(false)
    await elsewhere.close()
  })

  it('sends what an earlier process of the run left before the change that deletes it', async () => {
    const { server, spoolDir, start, spooled } = await startSdk()
    const first = start({ id: 'toy' }, { openSpool: deadWriter(spoolDir) })
    first.log({ loss: 0 })
    expect(await first.flush()).toBe(true)
    server.misbehave = () => AWAY
    first.log({ loss: 1 })
    expect(await first.finish({ timeoutMs: 100, status: 'failed' })).toMatchObject({ unsent: 1 })
    server.misbehave = () => undefined

    const second = start({ id: 'toy', resume: true, fromStep: 1 })
    second.log({ loss: 2 })
    await second.finish()
    expect(server.steps('toy')).toEqual([0, 2].map((loss, step) => [step, { loss }]))
    expect(server.runs.get('toy')?.slice(1)).toEqual([
      {},
      { status: 'failed' },
      { status: 'running', truncate_after: 0 },
      { status: 'finished' },
    ])
    expect(await spooled()).toEqual(new Map())
  })

  it('loses nothing of a spool if the server is still unreachable during a sync', async () => {
    const { server, spoolDir, start, spooled } = await startSdk()
    server.misbehave = () => AWAY
    const run = start({ id: 'toy' }, { openSpool: deadWriter(spoolDir) })
    run.log({ loss: 1 })
    await run.finish({ timeoutMs: 0 })
    const before = [...(await spooled()).values()]
    const report = await sync({ spoolDir })
    expect(report).toMatchObject({ sent: 0, filesLeft: [expect.stringContaining('toy.')] })
    expect([...(await spooled()).values()]).toEqual(before)
  })

  it('does not claim the file of a running run, and claims it once the run has ended', async () => {
    const { server, spoolDir, start, spooled } = await startSdk()
    const run = start({ id: 'toy', mode: 'offline' })
    run.log({ loss: 1 })
    await run.flush()
    await vi.waitFor(async () => expect((await spooled()).size).toBe(1), PATIENCE)
    expect((await sync({ spoolDir, url: server.url })).filesLeft).toHaveLength(1)
    expect(server.requests).toEqual([])
    await run.finish()
    expect(await sync({ spoolDir, url: server.url })).toEqual({ sent: 1, refused: 0, filesLeft: [] })
  })

  it('reports as lost what neither the server nor the disk accepts', async () => {
    const { server, spoolDir, start, warnings } = await startSdk()
    await writeFile(spoolDir, 'a file where the folder should be')
    vi.stubEnv('TMPDIR', spoolDir)
    onTestFinished(() => void vi.unstubAllEnvs())
    server.misbehave = () => AWAY
    const run = start({ id: 'toy' })
    for (let i = 0; i < 10; i++) run.log({ loss: i })
    expect(await run.finish({ timeoutMs: 0 })).toEqual({
      sent: 0,
      unsent: 0,
      refused: 0,
      lost: 10,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    expect(warnings.at(-2)).toContain('the spool cannot be written')
    expect(warnings.at(-1)).toContain('10 points are lost')
  })
})

/** A spool file whose head names a process that is not running, as after that process has ended. */
function deadWriter(spoolDir: string) {
  return (_folder: unknown, head: { run: string; url: string; normwatch: 1; fields: object }) =>
    new SpoolFile(`${spoolDir}/${head.run}.dead.ndjson`, {
      ...head,
      fields: { ...head.fields },
      pid: 2 ** 22 + 1,
      host: hostname(),
    })
}
