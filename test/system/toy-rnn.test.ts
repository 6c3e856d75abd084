import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CompareReply, Run as StoredRun } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { startRealServer } from './real-server.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/toy-rnn.ts')
/** The mean squared error if one always answers 1 in the adding problem. */
const GUESSING = 1 / 6

describe('the exercise: a small RNN without clipping, clipped by norm, clipped by value', () => {
  it("spikes without clipping; with it, learns and has a loss that is much smoother by the server's measure", async () => {
    const server = await startRealServer()
    const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(server.folder, 'spool') }
    const { stdout } = await promisify(execFile)(process.execPath, [EXAMPLE], { env })
    const query = /compare: \/compare\?(\S+)/.exec(stdout)?.[1]
    const { runs } = await server.get<CompareReply>(`/compare?${query}`)
    expect(runs.map(({ name }) => name)).toEqual(['no clipping', 'clip by norm 1.0', 'clip by value 0.05'])
    const [free, byNorm, byValue] = runs as [
      CompareReply['runs'][0],
      CompareReply['runs'][0],
      CompareReply['runs'][0],
    ]

    expect(runs.map(({ points, nonfinite }) => [points, nonfinite])).toEqual(Array(3).fill([600, 0]))
    const norms = (await server.points(free.run)).map(({ grad_norm }) => grad_norm as number)
    expect(Math.max(...norms)).toBeGreaterThan(10 * (free.norm_quantiles['p50'] as number))
    for (const clipped of [byNorm, byValue]) {
      expect((free.loss_roughness as number) / (clipped.loss_roughness as number)).toBeGreaterThan(2)
      expect(clipped.final_loss).toBeLessThan(0.9 * GUESSING)
      expect(clipped.final_loss).toBeLessThan(free.final_loss as number)
      expect(clipped.clip_rate).toBeGreaterThan(0)
    }
    expect(await server.get<StoredRun>(`/runs/${byNorm.run}`)).toMatchObject({
      project: 'toy-rnn',
      status: 'finished',
      clip: { mode: 'norm', max_norm: 1 },
      optimizer: 'sgd with momentum 0.9',
    })
    expect(await server.get<StoredRun>(`/runs/${byValue.run}`)).toMatchObject({
      clip: { mode: 'value', clip_value: 0.05 },
    })
  })
})
