import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { RunList } from '@normwatch/protocol'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startRealServer } from './real-server.ts'

const DEMO = join(import.meta.dirname, '../../scripts/demo.ts')

describe('npm run demo', () => {
  it('runs a healthy run, a flagged run and a real training at the same time, and stops cleanly on Ctrl-C', async () => {
    const server = await startRealServer()
    const env = { ...process.env, NORMWATCH_SPOOL: join(server.folder, 'spool') }
    const demo = spawn(process.execPath, [DEMO, '--speed', '400', '--url', server.url], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    onTestFinished(() => void demo.kill('SIGKILL'))
    let said = ''
    demo.stdout.on('data', (text: Buffer) => (said += text.toString()))
    const exited = once(demo, 'exit')

    const find = async (name: string) =>
      (await server.get<RunList>('/runs')).runs.find((run) => run.name === name)
    await vi.waitFor(
      async () => {
        const [healthy, flagged, toy] = [
          await find('GPT-2 124M (llm.c)'),
          await find('Mistral 7B LoRA translator'),
          await find('no clipping'),
        ]
        expect(healthy).toMatchObject({ status: 'running', health: 'ok' })
        expect(flagged).toMatchObject({
          status: 'running',
          health: 'flagged',
          clip: { mode: 'norm', max_norm: 1 },
        })
        expect(toy?.points).toBeGreaterThan(50)
      },
      { timeout: 60_000, interval: 200 },
    )
    expect(said).toContain(`Look at ${server.url}/`)

    demo.kill('SIGINT')
    expect(await exited).toEqual([0, null])
    const { runs } = await server.get<RunList>('/runs')
    expect(runs.filter(({ status }) => status === 'running')).toEqual([])
    expect(await find('GPT-2 124M (llm.c)')).toMatchObject({ status: 'failed' })
  })
})
