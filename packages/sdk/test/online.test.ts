import { describe, expect, it, vi } from 'vitest'
import { refusal } from './small-server.ts'
import { PATIENCE, startSdk } from './start.ts'

const isPoints = ({ path }: { path: string }) => path.endsWith('/points')

describe('a run with its server up', { timeout: 30_000 }, () => {
  it('is created at once, sends its readings and its end, and prints its address', async () => {
    const { server, start, said, warnings } = await startSdk()
    const run = start({
      id: 'toy',
      project: 'toy-rnn',
      name: 'clip 1.0',
      maxNorm: 1,
      optimizer: 'sgd',
      config: { lr: 0.1, limit: Infinity },
      tags: ['a'],
      notes: 'n',
    })
    await vi.waitFor(() => expect(server.runs.has('toy')).toBe(true), PATIENCE)
    run.log({ gradNorm: 1.5, loss: NaN })
    run.log({ gradNorm: Infinity, loss: 2, 'val/acc': 0.5, layers: { a: 1 } })
    expect(await run.finish()).toEqual({
      sent: 2,
      unsent: 0,
      refused: 0,
      lost: 0,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    expect(server.runs.get('toy')).toEqual([
      {
        project: 'toy-rnn',
        name: 'clip 1.0',
        clip: { mode: 'norm', max_norm: 1 },
        optimizer: 'sgd',
        config: { lr: 0.1, limit: 'Infinity' },
        tags: ['a'],
        notes: 'n',
      },
      { status: 'finished' },
    ])
    expect(server.steps('toy')).toEqual([
      [0, { grad_norm: 1.5, loss: NaN }],
      [1, { grad_norm: Infinity, loss: 2, 'val/acc': 0.5, 'layers/a': 1 }],
    ])
    expect(said).toEqual([`normwatch: ${server.url}/runs/toy`])
    expect(warnings).toEqual([])
  })

  it('sends what was logged without a call of flush', async () => {
    const { server, start } = await startSdk()
    const run = start({ id: 'toy' })
    run.log({ loss: 1 })
    await vi.waitFor(() => expect(server.steps('toy')).toHaveLength(1), PATIENCE)
  })

  it("keeps correct times when the machine's clock is set", async () => {
    const { server, start } = await startSdk()
    const jumps = [1.7e12, 1e12, 2e12, 0, -5e12]
    let call = 0
    const run = start({ id: 'toy' }, { now: () => jumps[Math.min(call++, jumps.length - 1)] ?? 0 })
    for (let i = 0; i < 60; i++) run.log({ loss: i })
    expect(await run.finish()).toMatchObject({ sent: 60, refused: 0 })
    const times = server.requests
      .filter(isPoints)
      .flatMap(({ body }) => (body as { columns: { time: number[] } }).columns.time)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect((times.at(-1) as number) - (times[0] as number)).toBeLessThan(10)
  })

  it('compresses large batches, and sends its token', async () => {
    const { server, start } = await startSdk()
    const run = start({ id: 'toy', token: 'nw_secret' })
    for (let i = 0; i < 5_000; i++) run.log({ loss: Math.sin(i) })
    expect(await run.flush()).toBe(true)
    const [large] = server.requests.filter(isPoints)
    expect(large?.headers['content-encoding']).toBe('gzip')
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer nw_secret']),
    )
    expect(server.steps('toy')).toHaveLength(5_000)
  })

  it('continues a run: deletes points from its step on, and counts from there', async () => {
    const { server, start } = await startSdk()
    const first = start({ id: 'toy', maxNorm: 1 })
    for (let i = 0; i < 10; i++) first.log({ loss: i })
    await first.finish({ status: 'failed' })
    const second = start({ id: 'toy', resume: true, fromStep: 5 })
    second.log({ loss: 50 })
    await second.finish()
    expect(server.runs.get('toy')).toEqual([
      { clip: { mode: 'norm', max_norm: 1 } },
      { status: 'failed' },
      {},
      { status: 'running', truncate_after: 4 },
      { status: 'finished' },
    ])
    expect(server.steps('toy').map(([step, { loss }]) => [step, loss])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 50],
    ])
  })

  it.each([
    ['429 with retry-after', { status: 429, headers: { 'retry-after': '0' } }],
    ['500', { status: 500 }],
    ['503', refusal(503, 'shutting_down', 'bye')],
    ['a 200 that is a page of something else', { status: 200, body: '<html>welcome</html>' }],
    ['a 200 that is JSON and no object', { status: 200, body: '[1]' }],
    ['an answer that is far too long', { status: 200, body: '{}' + ' '.repeat(20_000_000) }],
    ['an empty 204', { status: 204, body: '' }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }],
    ['a cut connection', 'hang up' as const],
    ['an answer that was lost, the readings stored already', 'work, then hang up' as const],
  ])('sends again after %s, and stores every step once', async (_name, answer) => {
    const { server, start, warnings } = await startSdk()
    server.misbehave = (_request, number) => (number === 1 || number === 3 ? answer : undefined)
    const run = start({ id: 'toy' })
    for (let i = 0; i < 100; i++) run.log({ loss: i })
    expect(await run.finish()).toMatchObject({ sent: 100, unsent: 0, lost: 0 })
    expect(server.steps('toy')).toHaveLength(100)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('they are kept and sent later')
  })

  it('continues when the server refuses to create it', async () => {
    const { server, start } = await startSdk()
    server.misbehave = () => refusal(404, 'run_not_found', 'no')
    const run = start({ id: 'toy' })
    run.log({ loss: 1 })
    expect(await run.finish()).toMatchObject({ sent: 0, refused: 1, unsent: 0, lost: 0 })
    expect(server.requests.length).toBeLessThan(10)
  })

  it('halves a batch that is too large for the server', async () => {
    const { server, start } = await startSdk()
    server.misbehave = ({ body }) => {
      const steps = (body as { columns?: { step: number[] } })?.columns?.step
      return steps !== undefined && steps.length > 100 ? refusal(413, 'too_large', 'too large') : undefined
    }
    const run = start({ id: 'toy' })
    for (let i = 0; i < 1_000; i++) run.log({ loss: i })
    expect(await run.finish()).toMatchObject({ sent: 1_000, refused: 0 })
    expect(server.steps('toy').map(([step]) => step)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
  })

  it('halves a batch that is too large for a proxy, and keeps a point that is, to send it later', async () => {
    const { server, start, warnings } = await startSdk()
    server.misbehave = ({ body }) => {
      const steps = (body as { columns?: { step: number[] } })?.columns?.step
      const isTooLarge = steps !== undefined && (steps.length > 100 || steps.includes(999))
      return isTooLarge ? { status: 413, body: '<h1>413 Request Entity Too Large</h1>' } : undefined
    }
    const run = start({ id: 'toy' })
    for (let i = 0; i < 1_000; i++) run.log({ loss: i })
    await vi.waitFor(() => expect(server.steps('toy')).toHaveLength(999), PATIENCE)
    await vi.waitFor(() => expect(warnings.join()).toContain('413'), PATIENCE)
    const report = await run.finish({ timeoutMs: 500 })
    expect(report).toMatchObject({ refused: 0, lost: 0 })
    expect(report.unsent).toBeGreaterThan(0)
    expect(report.sent + report.unsent).toBe(1_000)
  })

  it('creates the run again when the server has lost it', async () => {
    const { server, start } = await startSdk()
    const run = start({ id: 'toy', maxNorm: 1 })
    await vi.waitFor(() => expect(server.runs.has('toy')).toBe(true), PATIENCE)
    server.runs.clear()
    run.log({ loss: 1 })
    await run.finish()
    expect(server.runs.get('toy')).toEqual([{ clip: { mode: 'norm', max_norm: 1 } }, { status: 'finished' }])
    expect(server.steps('toy')).toHaveLength(1)
  })

  it("keeps what the server refuses, warns once with the server's message, and sends the rest", async () => {
    const { server, start, warnings, spooled } = await startSdk()
    const run = start({ id: 'toy' })
    server.misbehave = (request) => {
      const steps = (request.body as { columns?: { step: number[] } }).columns?.step
      return steps !== undefined && steps[0] !== 2
        ? refusal(400, 'points_invalid', 'no such luck')
        : undefined
    }
    for (let i = 0; i < 3; i++) {
      run.log({ loss: i })
      await run.flush()
    }
    expect(await run.finish()).toMatchObject({ sent: 1, refused: 2, unsent: 0, spool: null })
    expect(warnings.filter((line) => line.includes('400 no such luck'))).toHaveLength(1)
    const [[file, lines] = []] = await spooled()
    expect((await run.finish()).refusedFile).toContain(file)
    expect(file).toMatch(/^toy\..*\.refused\.ndjson$/)
    const refused = { status: 400, code: 'points_invalid', message: 'no such luck' }
    expect(lines).toMatchObject([
      { normwatch: 1, run: 'toy' },
      { columns: { step: [0], loss: [0] }, refused },
      { columns: { step: [1], loss: [1] }, refused },
    ])
  })
})
