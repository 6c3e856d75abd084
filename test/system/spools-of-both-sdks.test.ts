import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { init, sync } from '@normwatch/sdk'
import { describe, expect, it } from 'vitest'
import { startRealServer, type RealServer } from './real-server.ts'

const run = promisify(execFile)
const PYTHON_SDK = join(import.meta.dirname, '../../packages/sdk-python/src')
const POINTS = 12_000
const python = ['python3', 'python'].find(
  (name) => spawnSync(name, ['-c', 'import sys; assert sys.version_info >= (3, 9)']).status === 0,
)

const env = (spoolDir: string, url: string) => ({
  ...process.env,
  PYTHONPATH: PYTHON_SDK,
  NORMWATCH_SPOOL: spoolDir,
  NORMWATCH_URL: url,
  NORMWATCH_RUN_ID: 'toy',
  NORMWATCH_MODE: 'offline',
})

async function expectToy(server: RealServer): Promise<void> {
  expect(await server.get('/runs/toy')).toMatchObject({
    status: 'finished',
    clip: { mode: 'norm', max_norm: 1 },
    points: POINTS,
  })
  const points = await server.points('toy')
  expect(points.map(({ step, grad_norm, loss }) => [step, grad_norm, loss])).toEqual(
    Array.from({ length: POINTS }, (_, i) => [i, i === 7 ? 'Infinity' : i / 8, 'NaN']),
  )
}

describe.skipIf(python === undefined)('a spool that one SDK wrote', () => {
  it('is sent by the other: TypeScript to Python', async () => {
    const server = await startRealServer()
    const spoolDir = join(server.folder, 'spool')
    const training = init({ id: 'toy', url: server.url, spoolDir, mode: 'offline', maxNorm: 1 })
    for (let i = 0; i < POINTS; i++) training.log({ gradNorm: i === 7 ? Infinity : i / 8, loss: NaN })
    await training.finish()
    // the writer, this process, still runs, so its file is sent but stays: exit code 1
    const left: unknown = await run(python as string, ['-m', 'normwatch', 'sync', '--all'], {
      env: env(spoolDir, server.url),
    }).catch((error: unknown) => error)
    expect(left).toMatchObject({ code: 1, stdout: expect.stringContaining(`${POINTS} points`) })
    await expectToy(server)
  })

  it('is sent by the other: Python to TypeScript', async () => {
    const server = await startRealServer()
    const spoolDir = join(server.folder, 'spool')
    const program = `
import normwatch
run = normwatch.init(max_norm=1.0)
for i in range(${POINTS}):
    run.log(grad_norm=float("inf") if i == 7 else i / 8, loss=float("nan"))
run.finish()`
    await run(python as string, ['-c', program], { env: env(spoolDir, server.url) })
    expect(await sync({ spoolDir })).toEqual({ sent: POINTS, refused: 0, filesLeft: [] })
    await expectToy(server)
  })
})
