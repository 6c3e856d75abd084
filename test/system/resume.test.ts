import { join } from 'node:path'
import type { Run as StoredRun } from '@normwatch/protocol'
import { init, type InitOptions } from '@normwatch/sdk'
import { describe, expect, it, vi } from 'vitest'
import { startRealServer, type RealServer } from './real-server.ts'

async function train(server: RealServer, losses: number[], options: InitOptions) {
  const run = init({ url: server.url, spoolDir: join(server.folder, 'spool'), ...options })
  for (const loss of losses) run.log({ loss })
  return { id: run.id, report: await run.finish({ timeoutMs: 2_000 }) }
}

const lossesOf = async (server: RealServer, run: string) =>
  (await server.points(run)).map(({ step, loss }) => [step, loss])

describe('a training that resumes', () => {
  it('continues after the last step on the server if it names no step', async () => {
    const server = await startRealServer()
    await train(server, [1, 1, 1], { id: 'toy', maxNorm: 1 })
    await train(server, [2, 2], { id: 'toy', resume: true })
    expect(await lossesOf(server, 'toy')).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 2],
    ])
    expect(await server.get<StoredRun>('/runs/toy')).toMatchObject({
      status: 'finished',
      clip: { mode: 'norm', max_norm: 1 },
    })
  })

  it('continues after the steps that are still in the spool, which are sent first', async () => {
    const server = await startRealServer()
    await train(server, [1], { id: 'toy' })
    await server.kill()
    expect((await train(server, [1, 1], { id: 'toy', fromStep: 1 })).report).toMatchObject({ unsent: 2 })
    await server.start()
    await train(server, [2], { id: 'toy', resume: true })
    expect(await lossesOf(server, 'toy')).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 2],
    ])
    expect(await server.get<StoredRun>('/runs/toy')).toMatchObject({ status: 'finished' })
  })

  it('begins at 0 if the server does not know the run or it has no steps', async () => {
    const server = await startRealServer()
    await train(server, [], { id: 'toy', resume: true })
    await train(server, [1], { id: 'toy', resume: true })
    expect(await lossesOf(server, 'toy')).toEqual([[0, 1]])
  })

  it.each([
    [2, [0, 1]],
    [0, []],
  ])('from step %i replaces the later steps', async (fromStep, kept) => {
    const server = await startRealServer()
    await train(server, [1, 1, 1], { id: 'toy' })
    await train(server, [2], { id: 'toy', resume: true, fromStep })
    expect(await lossesOf(server, 'toy')).toEqual([...kept.map((step) => [step, 1]), [fromStep, 2]])
  })

  it('continues as a new run if the server does not answer, so that nothing is overwritten', async () => {
    const server = await startRealServer()
    await train(server, [1, 1, 1], { id: 'toy' })
    await server.kill()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { id, report } = await train(server, [2], { id: 'toy', resume: true })
    expect(warn.mock.calls[0]?.[0]).toContain(`this training continues as run ${id}`)
    expect(report).toMatchObject({ unsent: 1, lost: 0 })
    warn.mockRestore()
    await server.start()
    await train(server, [], { id })
    await vi.waitFor(async () => expect(await lossesOf(server, id)).toEqual([[0, 2]]), { timeout: 10_000 })
    expect(await lossesOf(server, 'toy')).toHaveLength(3)
  })
})
