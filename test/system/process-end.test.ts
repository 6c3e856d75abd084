import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sync } from '@normwatch/sdk'
import { PATIENCE, startSdk, type Started } from '../../packages/sdk/test/start.ts'

const program = fileURLToPath(new URL('../../packages/sdk/test/training.ts', import.meta.url))

/** Starts the training process. With `signal`, sends it the signal once it is ready. */
async function train({ server, spoolDir }: Started, ending: string, signal?: NodeJS.Signals) {
  const child = spawn(process.execPath, [program, ending], {
    env: { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: spoolDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr.on('data', (text: Buffer) => (output += text.toString()))
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  if (signal !== undefined) {
    await vi.waitFor(() => expect(output).toContain('ready'), PATIENCE)
    child.kill(signal)
  }
  const [code, endedBy] = await exited
  return { code, endedBy, output }
}

const endings: [
  string,
  NodeJS.Signals | undefined,
  number | null,
  NodeJS.Signals | null,
  'finished' | 'failed',
][] = [
  ['ends by itself', undefined, 0, null, 'finished'],
  ['ends by itself with an exit code', undefined, 3, null, 'failed'],
  ['calls process.exit(0)', undefined, 0, null, 'finished'],
  ['calls process.exit(2)', undefined, 2, null, 'failed'],
  ['throws', undefined, 1, null, 'failed'],
  ['rejects unhandled', undefined, 1, null, 'failed'],
  ['waits', 'SIGTERM', null, 'SIGTERM', 'failed'],
  ['waits', 'SIGINT', null, 'SIGINT', 'failed'],
  ['handles SIGTERM itself', 'SIGTERM', 7, null, 'failed'],
]

describe('a training process that never calls finish', () => {
  it.each(endings)(
    '%s %s: every reading and the status arrive',
    async (ending, signal, code, endedBy, status) => {
      const sdk = await startSdk()
      expect(await train(sdk, ending, signal)).toMatchObject({ code, endedBy })
      expect(sdk.server.steps('toy')).toHaveLength(10)
      expect(sdk.server.runs.get('toy')?.at(-1)).toEqual({ status })
      expect((await sdk.spooled()).size).toBe(0)
    },
    20_000,
  )

  it.each(['ends by itself', 'throws'])(
    '%s while the server is unreachable: a sync sends everything later',
    async (ending) => {
      const sdk = await startSdk()
      sdk.server.misbehave = () => 'hang up'
      await train(sdk, ending)
      expect(sdk.server.runs.size).toBe(0)
      sdk.server.misbehave = () => undefined
      expect(await sync({ spoolDir: sdk.spoolDir })).toEqual({ sent: 10, refused: 0, filesLeft: [] })
      expect(sdk.server.steps('toy')).toHaveLength(10)
      expect(sdk.server.runs.get('toy')?.at(-1)).toEqual({
        status: ending === 'throws' ? 'failed' : 'finished',
      })
    },
    40_000,
  )

  it.each(['logs for ever', 'logs for ever and never yields'])(
    '%s: loses at most its last second when it is killed',
    async (ending) => {
      const sdk = await startSdk()
      const { child, newestBefore } = trainForEver(sdk, ending, sdk.server.url)
      await vi.waitFor(() => expect(sdk.server.steps('toy').length).toBeGreaterThan(1_500), {
        timeout: 40_000,
      })
      const newest = await newestBefore(child.kill.bind(child, 'SIGKILL'))
      expectAllUpTo(newest, sdk)
    },
    60_000,
  )

  it.each(['logs for ever', 'logs for ever and never yields'])(
    '%s: loses at most its last second when it is killed while the server is away, or never answers',
    async (ending) => {
      const silent = createServer().listen(0, '127.0.0.1')
      onTestFinished(() => void silent.close().closeAllConnections())
      await once(silent, 'listening')
      for (const port of [1, (silent.address() as AddressInfo).port]) {
        const sdk = await startSdk()
        const { child, newestBefore, newest } = trainForEver(sdk, ending, `http://127.0.0.1:${port}`)
        await vi.waitFor(() => expect(newest()).toBeGreaterThan(1_500), { timeout: 40_000 })
        const kept = await newestBefore(child.kill.bind(child, 'SIGKILL'))
        expect(await sync({ spoolDir: sdk.spoolDir, url: sdk.server.url })).toMatchObject({ filesLeft: [] })
        expectAllUpTo(kept, sdk)
      }
    },
    120_000,
  )
})

/** Hops of a point to the disk: the threads of the training, the background and the server. Each may wait for a processor. */
const HOPS = 3

/** Starts a training process that prints each step when it logs it. `newest` is the newest step printed. */
function trainForEver({ spoolDir }: Started, ending: string, url: string) {
  const child = spawn(process.execPath, [program, ending], {
    env: { ...process.env, NORMWATCH_URL: url, NORMWATCH_SPOOL: spoolDir },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lag = monitorEventLoopDelay({ resolution: 10 })
  lag.enable()
  const logged: { step: number; at: number }[] = []
  child.stdout.on('data', (text: Buffer) => {
    const at = performance.now()
    for (const line of text.toString().trim().split('\n')) logged.push({ step: Number(line), at })
  })
  const newest = (until = Infinity) =>
    Math.max(...logged.filter(({ at }) => at < until).map(({ step }) => step))
  /** Ends the process. Returns the newest step logged a second before, or earlier if the machine was busy. */
  async function newestBefore(end: () => void): Promise<number> {
    const exited = once(child, 'exit')
    end()
    const endedAt = performance.now()
    await exited
    return newest(endedAt - 1_000 - (HOPS * lag.max) / 1e6)
  }
  return { child, newest, newestBefore }
}

function expectAllUpTo(newest: number, { server }: Started): void {
  expect(newest).toBeGreaterThan(10)
  const stored = server.steps('toy').map(([step]) => step)
  expect(stored.slice(0, newest + 1)).toEqual(Array.from({ length: newest + 1 }, (_, i) => i))
}
