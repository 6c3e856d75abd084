import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Run as StoredRun } from '@normwatch/protocol'
import { init, sync } from '@normwatch/sdk'
import { describe, expect, it } from 'vitest'
import { startRealServer } from './real-server.ts'

const MILLION = 1_000_000
const loss = (step: number) => Math.sin(step) + 2

describe('a million calls of log', () => {
  it('are all stored, once, while the server is killed and started again', async () => {
    const server = await startRealServer()
    const run = init({ id: 'million', url: server.url, maxNorm: 1, spoolDir: join(server.folder, 'spool') })
    let restarts = 0
    let peak = 0
    for (let step = 0; step < MILLION; step++) {
      run.log({ gradNorm: step % 7, loss: loss(step) })
      if (step % 1_000 !== 0) continue
      await setImmediate()
      peak = Math.max(peak, process.memoryUsage().rss)
      if (step === 300_000 || step === 600_000) {
        await server.kill()
        restarts++
        await server.start()
      }
    }
    const report = await run.finish({ timeoutMs: 90_000 })
    expect(restarts).toBe(2)
    expect(peak).toBeLessThan(400 * 2 ** 20)
    expect(report).toEqual({ sent: MILLION, unsent: 0, refused: 0, lost: 0, spool: null })
    const stored = await server.get<StoredRun>('/runs/million')
    expect(stored).toMatchObject({ status: 'finished', points: MILLION, last_step: MILLION - 1 })
    const { series } = await server.get<{ series: Record<string, Record<string, number[]>> }>(
      '/runs/million/series?metric=loss&max_points=1000',
    )
    const counts = series['loss']?.['count'] ?? []
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(MILLION)
  })
})

describe('a server that is away until after the run has ended', () => {
  it('gets everything from a sync, and is told the end', async () => {
    const server = await startRealServer()
    await server.kill()
    const spoolDir = join(server.folder, 'spool')
    const run = init({ id: 'late', url: server.url, spoolDir, clipValue: 0.5, mode: 'offline' })
    for (let step = 0; step < 30_000; step++) {
      run.log({ gradNorm: step === 7 ? NaN : 1, loss: loss(step), clipFraction: 0 })
      if (step % 1_000 === 0) await setImmediate()
    }
    expect(await run.finish()).toMatchObject({ sent: 0, unsent: 30_000, lost: 0 })
    await server.start()
    expect(await sync({ spoolDir, url: server.url })).toEqual({ sent: 30_000, refused: 0, filesLeft: [] })
    const stored = await server.get<StoredRun>('/runs/late')
    expect(stored).toMatchObject({
      status: 'finished',
      points: 30_000,
      nonfinite: 1,
      clip: { mode: 'value', clip_value: 0.5 },
    })
    const points = await server.points('late')
    expect(points.map(({ step }) => step)).toEqual(Array.from({ length: 30_000 }, (_, step) => step))
    expect(points[7]).toMatchObject({ grad_norm: 'NaN', loss: loss(7) })
  })
})
