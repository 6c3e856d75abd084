import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Run as StoredRun, SeriesReply } from '@normwatch/protocol'
import { init, sync } from '@normwatch/sdk'
import { describe, expect, it } from 'vitest'
import { startRealServer, type RealServer } from './real-server.ts'

const MILLION = 1_000_000
const MAX_MIB = 400
const loss = (step: number) => Math.sin(step) + 2

/** Expects the server to hold each of a million steps once, with its readings. */
async function expectMillion(server: RealServer): Promise<void> {
  const run = await server.get<StoredRun>('/runs/million')
  expect(run).toMatchObject({ status: 'finished', points: MILLION, last_step: MILLION - 1, nonfinite: 1 })
  const { series } = await server.get<SeriesReply>('/runs/million/series?metric=loss&metric=grad_norm')
  for (const { count } of Object.values(series)) expect(count.reduce((sum, of) => sum + of, 0)).toBe(MILLION)
  const { series: last } = await server.get<SeriesReply>(
    '/runs/million/series?metric=loss&from=999000&max_points=1000',
  )
  expect(last['loss']?.last).toEqual(Array.from({ length: 1_000 }, (_, i) => loss(999_000 + i)))
}

describe('a million calls of log without pauses', () => {
  it('are all stored, once, while the server is killed and started again twice', async () => {
    const server = await startRealServer()
    const run = init({ id: 'million', url: server.url, maxNorm: 1, spoolDir: join(server.folder, 'spool') })
    let peak = 0
    for (let step = 0; step < MILLION; step++) {
      run.log({ gradNorm: step === 7 ? NaN : step % 7, loss: loss(step) })
      if (step % 1_000 !== 0) continue
      await setImmediate()
      peak = Math.max(peak, process.memoryUsage().rss)
      if (step === 300_000 || step === 600_000) {
        await server.kill()
        await server.start()
      }
    }
    const report = await run.finish({ timeoutMs: 90_000 })
    expect(report).toEqual({
      sent: MILLION,
      unsent: 0,
      refused: 0,
      lost: 0,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    expect(peak).toBeLessThan(MAX_MIB * 2 ** 20)
    await expectMillion(server)
  })

  it('are all sent by a sync if the server starts only after the process has ended', async () => {
    const server = await startRealServer()
    await server.kill()
    const spoolDir = join(server.folder, 'spool')
    const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: spoolDir }
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, 'train-a-million.ts')],
      { env },
    )
    expect(Number(stdout)).toBeGreaterThan(0)
    expect(Number(stdout)).toBeLessThan(MAX_MIB)
    await server.start()
    expect(await sync({ spoolDir })).toEqual({ sent: MILLION, refused: 0, filesLeft: [] })
    await expectMillion(server)
  })
})
