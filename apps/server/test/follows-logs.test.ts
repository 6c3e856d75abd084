import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunList } from '@normwatch/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { NORMWATCH } from './command-line.ts'
import { norm, WRITERS } from './log-writer.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const FORMATS = Object.keys(WRITERS)
const HALF = 150
const STEPS = 300
const PATIENT = { timeout: 60_000, interval: 200 }

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
}

function start(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

describe('normwatch import --follow', { timeout: 240_000 }, () => {
  it('keeps each point of five formats once, whoever is killed and whenever a log is rotated', async () => {
    const { url } = await startServer(await tempFolder())
    const folder = await tempFolder()
    const state = await tempFolder()
    const pathOf = (format: string): string =>
      join(folder, format, format === 'tensorboard' ? 'events.out.tfevents.1' : 'train.log')
    const get = async <T>(path: string): Promise<T> =>
      (await (await fetch(`${url}/api/v1${path}`)).json()) as T
    const runs = async () => (await get<RunList>('/runs?limit=100')).runs
    const fewest = async (): Promise<number> => {
      const points = (await runs()).map(({ points }) => points)
      return points.length < FORMATS.length ? 0 : Math.min(...points)
    }
    const follow = (): ChildProcess =>
      start([NORMWATCH, 'import', folder, '--follow'], { NORMWATCH_URL: url, XDG_STATE_HOME: state })
    const write = (to: number): ChildProcess[] =>
      FORMATS.map((format) =>
        start([join(import.meta.dirname, 'log-writer.ts'), format, pathOf(format), String(to)]),
      )

    for (const format of FORMATS) await mkdir(join(folder, format))
    const first = follow()
    let writers = write(HALF)
    await expect.poll(fewest, PATIENT).toBeGreaterThan(10)
    // the trainings die, the follower dies, both begin again
    await Promise.all(writers.map(killed))
    writers = write(HALF)
    await killed(first)
    const second = follow()
    await expect.poll(fewest, PATIENT).toBe(HALF)

    // the logs are rotated while nobody follows them, and again followed by one that was not there
    await killed(second)
    await Promise.all(writers.map(killed))
    for (const format of FORMATS)
      if (format !== 'tensorboard') await rename(pathOf(format), `${pathOf(format)}.1`)
    writers = write(STEPS)
    await expect.poll(() => writers.every(({ exitCode }) => exitCode === 0), PATIENT).toBe(true)
    follow()
    await expect.poll(fewest, PATIENT).toBe(STEPS)

    // one more of each, in time
    for (const format of FORMATS)
      await appendFile(pathOf(format), WRITERS[format]?.(STEPS, false) as string | Buffer)
    await expect.poll(fewest, PATIENT).toBe(STEPS + 1)
    const found = await runs()
    expect(found).toHaveLength(FORMATS.length)
    for (const { id } of found) {
      const text = await (await fetch(`${url}/api/v1/runs/${id}/points`)).text()
      const points = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { step: number; grad_norm: number })
      expect(points.map(({ step }) => step)).toEqual(Array.from({ length: STEPS + 1 }, (_, step) => step))
      expect(points.map(({ grad_norm }) => grad_norm)).toEqual(points.map(({ step }) => norm(step)))
    }
  })
})
