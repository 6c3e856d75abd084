import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { sync } from '@normwatch/sdk'
import { startSdk, type Started } from '../../packages/sdk/test/start.ts'

const program = fileURLToPath(new URL('../../packages/sdk/test/training.ts', import.meta.url))

/** Starts the training process and, where it waits for somebody, does that once it is ready. */
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
    await vi.waitFor(() => expect(output).toContain('ready'), { timeout: 10_000 })
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
    '%s %s: every reading arrives and the status is told',
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
    '%s while the server is away: a sync brings it all later',
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

  it('loses at most its last second when it is killed', async () => {
    const sdk = await startSdk()
    const child = spawn(process.execPath, [program, 'logs for ever'], {
      env: { ...process.env, NORMWATCH_URL: sdk.server.url, NORMWATCH_SPOOL: sdk.spoolDir },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const logged: { step: number; at: number }[] = []
    child.stdout.on('data', (text: Buffer) => {
      const at = performance.now()
      for (const line of text.toString().trim().split('\n')) logged.push({ step: Number(line), at })
    })
    await vi.waitFor(() => expect(sdk.server.steps('toy').length).toBeGreaterThan(500), { timeout: 15_000 })
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    const killedAt = performance.now()
    await exited
    const newest = Math.max(...logged.filter(({ at }) => at < killedAt - 1_000).map(({ step }) => step))
    expect(newest).toBeGreaterThan(10)
    const stored = sdk.server.steps('toy').map(([step]) => step)
    expect(stored.slice(0, newest + 1)).toEqual(Array.from({ length: newest + 1 }, (_, i) => i))
  }, 30_000)
})
