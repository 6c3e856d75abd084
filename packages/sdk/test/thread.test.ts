import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRun } from '../src/init.ts'
import { nodePlatform } from '../src/node/platform.ts'
import { startSdk } from './start.ts'

const PROGRAM = join(import.meta.dirname, '../src/thread-program.ts')

/** A run whose background has a thread of its own, which runs this program. */
async function startThreaded(program = PROGRAM) {
  const { server, spoolDir } = await startSdk()
  const warnings: string[] = []
  const platform = { ...nodePlatform(program), warn: (line: string) => warnings.push(line), say: () => {} }
  const run = startRun({ id: 'toy', url: server.url, spoolDir }, platform)
  onTestFinished(async () => void (await run.finish({ timeoutMs: 0 })))
  return { server, spoolDir, run, warnings }
}

describe('a run whose background has a thread of its own', () => {
  it('sends what it is given, and the end', async () => {
    const { server, run } = await startThreaded()
    for (let i = 0; i < 30_000; i++) run.log({ gradNorm: i, loss: NaN })
    expect(await run.flush()).toBe(true)
    expect(server.steps('toy')).toHaveLength(30_000)
    expect(await run.finish()).toEqual({ sent: 30_000, unsent: 0, refused: 0, lost: 0, spool: null })
    expect(server.runs.get('toy')?.at(-1)).toEqual({ status: 'finished' })
  })

  it('hears its warnings, and where the readings are that could not be sent', async () => {
    const { server, spoolDir, run, warnings } = await startThreaded()
    await server.close()
    run.log({ loss: 1 })
    const { spool, ...report } = await run.finish({ timeoutMs: 200 })
    expect(report).toEqual({ sent: 0, unsent: 1, refused: 0, lost: 0 })
    expect(spool).toContain(spoolDir)
    expect(warnings[0]).toContain('does not take readings now')
    expect(warnings[1]).toContain('1 points could not be sent')
    await server.listen()
  })

  it('says that its readings are lost when the thread cannot run, and goes on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'normwatch-thread-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const broken = join(folder, 'broken.mjs')
    await writeFile(broken, 'throw new Error("no such luck")')
    const { run, warnings } = await startThreaded(broken)
    for (let i = 0; i < 10_001; i++) run.log({ loss: i })
    expect(await run.finish()).toMatchObject({ sent: 0, lost: 10_001 })
    expect(warnings.join()).toContain('no such luck')
    expect(await run.flush()).toBe(false)
  })

  it('shares the thread of the training where the program of its own is missing, as in a bundle', async () => {
    const { server, run } = await startThreaded('/there/is/none.js')
    run.log({ loss: 1 })
    expect(await run.finish()).toMatchObject({ sent: 1, lost: 0 })
    expect(server.steps('toy')).toHaveLength(1)
  })
})
