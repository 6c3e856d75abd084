import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sync } from '../src/index.ts'
import { startRun } from '../src/init.ts'
import { nodePlatform } from '../src/node/platform.ts'
import type { ExitWatcher, Platform } from '../src/platform.ts'
import { PATIENCE, startSdk } from './start.ts'

const execute = promisify(execFile)
const PROGRAM = join(import.meta.dirname, '../src/thread-program.ts')

/** Runs whose backgrounds have their own threads, which run this program. */
async function startThreads(ids: readonly string[], program = PROGRAM, own: Partial<Platform> = {}) {
  const { server, spoolDir } = await startSdk()
  const warnings: string[] = []
  const warn = (line: string) => warnings.push(line)
  const platform: Platform = { ...nodePlatform(program), warn, say: () => {}, ...own }
  const runs = ids.map((id) => startRun({ id, url: server.url, spoolDir }, platform))
  onTestFinished(async () => void (await Promise.all(runs.map((run) => run.finish({ timeoutMs: 0 })))))
  return { server, spoolDir, runs, warnings }
}

async function startThreaded(program = PROGRAM, own: Partial<Platform> = {}) {
  const { runs, ...rest } = await startThreads(['toy'], program, own)
  return { run: runs[0]!, ...rest }
}

/** A program for a thread that dies when it gets a batch of this many rows. */
async function dyingAt(rows: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'normwatch-thread-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'dying.mjs')
  const code = `import { workerData } from 'node:worker_threads'
    await import(${JSON.stringify(PROGRAM)})
    workerData.port.on('message', ({ body }) => { if (body?.rows === ${rows}) throw new Error('no such luck') })`
  await writeFile(path, code)
  return path
}

async function textIn(folder: string): Promise<string> {
  const files = await readdir(folder)
  return (await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))).join('')
}

function holdTheEventLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

describe('a run whose background has its own thread', { timeout: 30_000 }, () => {
  it('sends its readings and its end', async () => {
    const { server, run } = await startThreaded()
    for (let i = 0; i < 30_000; i++) run.log({ gradNorm: i, loss: NaN })
    expect(await run.flush()).toBe(true)
    expect(server.steps('toy')).toHaveLength(30_000)
    expect(await run.finish()).toEqual({
      sent: 30_000,
      unsent: 0,
      refused: 0,
      lost: 0,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    expect(await run.flush(), 'after its end').toBe(true)
    expect(server.runs.get('toy')?.at(-1)).toEqual({ status: 'finished' })
  })

  it('is sent without a thread if the working folder was removed, as no thread can start there', async () => {
    const { server, spoolDir } = await startSdk()
    const folder = await mkdtemp(join(tmpdir(), 'normwatch-gone-'))
    const script = `
      const { init } = await import(${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))})
      process.chdir(${JSON.stringify(folder)})
      ;(await import('node:fs')).rmdirSync(${JSON.stringify(folder)})
      const run = init({ id: 'toy' })
      run.log({ loss: 1 })
      console.log((await run.finish()).sent)`
    const env = { PATH: process.env['PATH'], NORMWATCH_URL: server.url, NORMWATCH_SPOOL: spoolDir }
    const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', script], { env })
    expect(stdout).toBe('1\n')
    expect(server.steps('toy')).toEqual([[0, { loss: 1 }]])
  })

  it("gets the thread's warnings, and the place of readings that could not be sent", async () => {
    const { server, spoolDir, run, warnings } = await startThreaded()
    await server.close()
    run.log({ loss: 1 })
    await vi.waitFor(() => expect(warnings[0]).toContain('does not take readings now'), PATIENCE)
    const { spool, ...report } = await run.finish({ timeoutMs: 0 })
    expect(report).toEqual({ sent: 0, unsent: 1, refused: 0, lost: 0, invalid: 0, refusedFile: null })
    expect(spool).toContain(spoolDir)
    expect(warnings[1]).toContain('1 points could not be sent')
    await server.listen()
  })

  it('gets the reports of threads that ended while the training blocked the event loop', async () => {
    const { server, runs } = await startThreads(Array.from({ length: 16 }, (_, i) => `toy-${i}`))
    await server.close()
    for (const run of runs) run.log({ loss: 1 })
    const reports = runs.map((run) => run.finish({ timeoutMs: 0 }))
    holdTheEventLoop(3_000)
    for (const report of reports) expect(await report).toMatchObject({ unsent: 1, lost: 0 })
    await server.listen()
  })

  it('loses nothing if the thread cannot start, and warns', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'normwatch-thread-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const broken = join(folder, 'broken.mjs')
    await writeFile(broken, 'throw new Error("no such luck")')
    const { server, run, warnings } = await startThreaded(broken)
    for (let i = 0; i < 10_001; i++) run.log({ loss: i })
    expect(await run.finish()).toMatchObject({ sent: 10_001, lost: 0 })
    expect(server.runs.get('toy')?.at(-1)).toEqual({ status: 'finished' })
    expect(warnings).toEqual([expect.stringContaining('no such luck')])
  })

  it("loses nothing if the thread's program is that of another version of the SDK, as in an old bundle", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'normwatch-thread-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const other = join(folder, 'other.mjs')
    const code = `import { workerData } from 'node:worker_threads'
      workerData.version++
      await import(${JSON.stringify(PROGRAM)})`
    await writeFile(other, code)
    const { run, warnings } = await startThreaded(other)
    run.log({ loss: 1 })
    expect(await run.finish()).toMatchObject({ sent: 1, lost: 0 })
    expect(warnings).toEqual([expect.stringContaining('has another version than the program')])
  })

  it.each([
    ['sent', undefined],
    ['spooled', { status: 503 }],
  ])('counts what a thread had %s before it died, and continues without it', async (_fate, answer) => {
    const { server, spoolDir, run, warnings } = await startThreaded(await dyingAt(7))
    server.misbehave = () => answer
    for (let i = 0; i < 5; i++) run.log({ loss: i })
    const flushed = run.flush()
    if (answer === undefined) expect(await flushed).toBe(true)
    else
      await vi.waitFor(async () => expect(await textIn(spoolDir)).toContain('"step":[0,1,2,3,4]'), PATIENCE)
    for (let i = 0; i < 7; i++) run.log({ loss: i })
    expect(await run.flush({ timeoutMs: 0 }), 'the thread dies with seven').toBe(false)
    expect(warnings.join()).toContain('7 points are lost')
    server.misbehave = () => undefined
    for (let i = 0; i < 3; i++) run.log({ loss: i })
    expect(await run.finish()).toEqual({
      sent: 8,
      unsent: 0,
      refused: 0,
      lost: 7,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    expect(server.steps('toy').map(([step]) => step)).toEqual([0, 1, 2, 3, 4, 12, 13, 14])
    expect(server.runs.get('toy')?.at(-1)).toEqual({ status: 'finished' })
  })

  it('counts readings that a thread had spooled before it died as unsent while the server is unreachable', async () => {
    const { server, spoolDir, run } = await startThreaded(await dyingAt(7))
    server.misbehave = () => ({ status: 503 })
    for (let i = 0; i < 5; i++) run.log({ loss: i })
    void run.flush()
    await vi.waitFor(async () => expect(await textIn(spoolDir)).toContain('"step":[0,1,2,3,4]'), PATIENCE)
    for (let i = 0; i < 7; i++) run.log({ loss: i })
    await run.flush({ timeoutMs: 0 })
    for (let i = 0; i < 3; i++) run.log({ loss: i })
    expect(await run.finish({ timeoutMs: 500 })).toMatchObject({ sent: 0, unsent: 8, refused: 0, lost: 7 })
    server.misbehave = () => undefined
    expect(await sync({ spoolDir })).toEqual({ sent: 8, refused: 0, filesLeft: [] })
    expect(server.steps('toy').map(([step]) => step)).toEqual([0, 1, 2, 3, 4, 12, 13, 14])
  })

  it('does not wait for a dead thread at process exit', async () => {
    const watchers: ExitWatcher[] = []
    const watchExit = (watcher: ExitWatcher) => {
      watchers.push(watcher)
      return () => {}
    }
    const { run, warnings } = await startThreaded(await dyingAt(7), { watchExit })
    for (let i = 0; i < 7; i++) run.log({ loss: i })
    const flushed = run.flush()
    const began = performance.now()
    for (const watcher of watchers) watcher.onExit(false)
    expect(performance.now() - began).toBeLessThan(8_000)
    expect(warnings.join()).toContain('7 points are lost')
    expect(await flushed).toBe(false)
  })

  it("uses the thread of the training if the thread's program is missing, as in a bundle", async () => {
    const { server, run } = await startThreaded('/there/is/none.js')
    run.log({ loss: 1 })
    expect(await run.finish()).toMatchObject({ sent: 1, lost: 0 })
    expect(server.steps('toy')).toHaveLength(1)
  })
})
