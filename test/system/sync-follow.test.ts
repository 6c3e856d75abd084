import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { init, sync } from '@normwatch/sdk'
import { startRealServer, type RealServer } from './real-server.ts'

const ROOT = join(import.meta.dirname, '../..')
const TRAINING = join(ROOT, 'packages/sdk/test/training.ts')
const PATIENCE = { timeout: 60_000 }

/** The two commands that follow a spool, with their arguments. */
const followers: [string, string[]][] = [
  ['normwatch sync --follow', [join(ROOT, 'apps/server/src/cli/normwatch.ts'), 'sync', '--follow']],
  ['normwatch-sync --follow', [join(ROOT, 'packages/sdk/src/sync-program.ts'), '--follow']],
]

const spoolOf = (server: RealServer) => join(server.folder, 'spool')

function start(server: RealServer, program: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, program, {
    env: { ...process.env, NORMWATCH_SPOOL: spoolOf(server), NORMWATCH_URL: server.url, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** An offline training that logs for ever and prints each step. */
function startTraining(server: RealServer): ChildProcess {
  const child = start(server, [TRAINING, 'logs for ever'], { NORMWATCH_MODE: 'offline' })
  child.stdout?.resume()
  child.stderr?.resume()
  return child
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

const lastStep = async (server: RealServer): Promise<number> =>
  (await server.get<{ last_step: number | null }>('/runs/toy').catch(() => ({ last_step: null })))
    .last_step ?? -1

/** The highest step in the spool. */
async function lastSpooled(server: RealServer): Promise<number> {
  const [file = ''] = await readdir(spoolOf(server))
  const lines = (await readFile(join(spoolOf(server), file), 'utf8')).split('\n')
  const steps = lines.map((line) => /"step":\[([^\]]*)\]/.exec(line)?.[1]?.split(',').at(-1) ?? -1)
  return Math.max(...steps.map(Number))
}

describe.each(followers)('%s', (_name, program) => {
  it('sends an offline training to a server live, even if processes are killed meanwhile', async () => {
    const server = await startRealServer()
    const training = startTraining(server)
    let follower = start(server, program, {})
    await vi.waitFor(async () => expect(await lastStep(server)).toBeGreaterThan(100), PATIENCE)
    expect(await readdir(spoolOf(server)), 'the file of a running training stays').toHaveLength(1)

    await kill(follower, 'SIGKILL')
    follower = start(server, program, {})
    const before = await lastStep(server)
    await vi.waitFor(async () => expect(await lastStep(server)).toBeGreaterThan(before + 100), PATIENCE)

    await server.kill()
    let told = ''
    follower.stderr?.on('data', (text: Buffer) => (told += text.toString()))
    await vi.waitFor(() => expect(told).toContain('does not take readings now'), PATIENCE)
    await server.start()

    await kill(training, 'SIGKILL')
    const last = await lastSpooled(server)
    await vi.waitFor(async () => expect(await readdir(spoolOf(server))).toEqual([]), PATIENCE)
    const points = await server.points('toy')
    expect(points.map(({ step }) => step)).toEqual(Array.from({ length: last + 1 }, (_, i) => i))
    expect(points[3]).toMatchObject({ grad_norm: 4, loss: 1 / 4 })

    const exited = once(follower, 'exit')
    follower.kill('SIGINT')
    expect(await exited, 'Ctrl-C is its regular end').toEqual([0, null])
    expect(told.match(/does not take readings now/g)).toHaveLength(1)
  }, 180_000)
})

it('sync({ all: true }) sends what a running training has written, and leaves its file unchanged', async () => {
  const server = await startRealServer()
  const training = startTraining(server)
  await vi.waitFor(async () => expect(await lastSpooled(server)).toBeGreaterThan(100), PATIENCE)
  const send = () => sync({ spoolDir: spoolOf(server), url: server.url, all: true })
  const first = await send()
  expect(first.sent).toBeGreaterThan(100)
  expect(first.filesLeft).toHaveLength(1)
  await kill(training, 'SIGKILL')
  const last = await lastSpooled(server)
  expect(await sync({ spoolDir: spoolOf(server), url: server.url })).toMatchObject({ filesLeft: [] })
  expect((await server.points('toy')).map(({ step }) => step)).toEqual(
    Array.from({ length: last + 1 }, (_, i) => i),
  )
}, 120_000)

it('a followed spool ends with its run, whose status arrives', async () => {
  const server = await startRealServer()
  const run = init({ id: 'ends', url: server.url, spoolDir: spoolOf(server), mode: 'offline' })
  start(server, [...(followers[1]?.[1] ?? [])], {})
  run.log({ loss: 1 })
  await run.flush()
  await run.finish({ status: 'preempted' })
  await vi.waitFor(
    async () => expect(await server.get('/runs/ends')).toMatchObject({ status: 'preempted' }),
    PATIENCE,
  )
}, 90_000)
