import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { clipByGlobalNorm, clipByValue, globalNorm } from '../src/clip.ts'
import { toWireConfig } from '../src/config.ts'
import { refusal } from './small-server.ts'
import { PATIENCE, startSdk } from './start.ts'

const run = promisify(execFile)
const SYNC = join(import.meta.dirname, '../src/sync-program.ts')

describe('a configuration', () => {
  it('is converted value by value: a value that JSON cannot represent does not affect the others', () => {
    const source = {
      map: new Map([['a', 1]]),
      set: new Set([1, 2]),
      pattern: /x+/g,
      big: 12n,
      huge: 2n ** 80n,
      infinite: [NaN, Infinity],
      weights: new Float32Array([1, 2]),
      day: new Date(0),
      nested: {
        lr: 1,
        get broken(): number {
          throw new Error('no')
        },
      },
      get broken(): number {
        throw new Error('no')
      },
    }
    const { config, notes } = toWireConfig(source)
    expect(config).toEqual({
      map: { a: 1 },
      set: [1, 2],
      pattern: '/x+/g',
      big: 12,
      huge: String(2n ** 80n),
      infinite: ['NaN', 'Infinity'],
      weights: [1, 2],
      day: '1970-01-01T00:00:00.000Z',
      nested: { lr: 1 },
    })
    expect(notes).toEqual([
      'config.nested.broken cannot be read (Error: no) and is left out',
      'config.broken cannot be read (Error: no) and is left out',
    ])
    expect(toWireConfig(new Map(Object.entries({ lr: 1 }))).config).toEqual({ lr: 1 })
  })

  it('ends early if objects that share parts stand for too many values', () => {
    let shared: unknown = { lr: 1 }
    for (let i = 0; i < 60; i++) shared = { left: shared, right: shared }
    const twice = { lr: 1 }
    const { config, notes } = toWireConfig({
      shared,
      lr: 1,
      parts: [twice, twice],
      list: new Uint8Array(100_000),
    })
    const cut = '(cut: more than 32768 values)'
    expect(config).toEqual({ shared: cut, lr: 1, parts: [twice, twice], list: cut })
    const reason = 'has more than 32768 values and is cut: a configuration has at most 64 KiB as JSON'
    expect(notes).toEqual([`config.shared ${reason}`, `config.list ${reason}`])
  })

  it('is cut if it refers to itself or is nested too deeply', () => {
    const self: Record<string, unknown> = {}
    self['me'] = { self }
    expect(toWireConfig(self).config).toEqual({ me: { self: '(cut: refers to itself)' } })
    let deep: unknown = 1
    for (let i = 0; i < 1_000; i++) deep = { deep }
    const { config, notes } = toWireConfig({ deep })
    expect(notes).toHaveLength(1)
    let levels = 0
    for (let at: unknown = config; typeof at === 'object' && at !== null; at = (at as { deep: unknown }).deep)
      levels++
    expect(levels).toBe(32)
  })

  it('is cut to its first 512 fields, and their names to 256 characters', async () => {
    const { server, start, warnings } = await startSdk()
    const fields = Array.from({ length: 600 }, (_, i): [string, number] => [
      `${'x'.repeat(i === 0 ? 300 : 1)}${i}`,
      i,
    ])
    await start({ id: 'toy', config: Object.fromEntries(fields) }).finish()
    const { config } = server.runs.get('toy')?.[0] as { config: Record<string, number> }
    expect(Object.keys(config)).toHaveLength(512)
    expect(config).toMatchObject({ ['x'.repeat(256)]: 0, x511: 511 })
    const words = 'init: config has 600 fields: the first 512 are kept, and the others are left out'
    expect(warnings).toEqual([`normwatch: ${words}`])
  })

  it('never exceeds 64 KiB as JSON', () => {
    const text = fc.string({ maxLength: 50_000 })
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 20 }), text, { maxKeys: 12 }), (source) => {
        const { config, notes } = toWireConfig(source)
        const bytes = Buffer.byteLength(JSON.stringify(config))
        expect(bytes).toBeLessThanOrEqual(64 * 1024)
        if (Buffer.byteLength(JSON.stringify(source)) > 64 * 1024) expect(notes).not.toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  it('is cut with a warning if it is too large, and the readings are sent', async () => {
    const { server, start, warnings } = await startSdk()
    const toy = start({ id: 'toy', config: { lr: 0.1, vocabulary: 'x'.repeat(9_000_000) } })
    toy.log({ loss: 1 })
    expect(await toy.finish()).toMatchObject({ sent: 1, refused: 0 })
    expect(server.runs.get('toy')?.[0]).toEqual({ config: { lr: 0.1, vocabulary: '(cut: 9000002 bytes)' } })
    expect(warnings).toEqual([expect.stringContaining('config.vocabulary has 9000002 bytes and is cut')])
  })
})

describe('arguments that would damage a training', () => {
  it.each([undefined, NaN, 0, -1, '1'])('are refused before any gradient is changed: %s', (cap) => {
    const gradient = new Float32Array([3, 4])
    expect(() => clipByGlobalNorm([gradient], cap as number)).toThrow('must be a number above 0')
    expect(() => clipByValue([gradient], cap as number)).toThrow('must be a number above 0')
    expect([...gradient]).toEqual([3, 4])
  })

  it('are refused: a single tensor that is not in a list', () => {
    const gradient = new Float32Array([3, 4]) as unknown as Iterable<Float32Array>
    for (const call of [globalNorm, (g: typeof gradient) => clipByGlobalNorm(g, 1)])
      expect(() => call(gradient)).toThrow('tensors must be a list of arrays')
  })
})

describe('a run', { timeout: 30_000 }, () => {
  it.each([
    [401, 'sign in'],
    [403, '{"error": {"code": "forbidden", "message": "no", "type": "access"}}'],
    [404, '{"error": {"code": "run_not_found"}}'],
    [400, '{"error": {"code": "BadRequest", "message": "no", "details": []}}'],
  ])("loses nothing to a gateway's own %d: %s", async (status, body) => {
    const { server, start } = await startSdk()
    server.misbehave = (_request, number) => (number < 3 ? { status, body } : undefined)
    const toy = start({ id: 'toy' })
    for (let i = 0; i < 20; i++) toy.log({ loss: i })
    expect(await toy.finish()).toMatchObject({ sent: 20, refused: 0, unsent: 0 })
  })

  it('accepts only the answer of a Normwatch server, not any JSON', async () => {
    const { server, start } = await startSdk()
    server.misbehave = (_request, number) => (number < 3 ? { status: 200, body: '{}' } : undefined)
    const toy = start({ id: 'toy' })
    toy.log({ loss: 1 })
    expect(await toy.finish()).toMatchObject({ sent: 1 })
    expect(server.steps('toy')).toHaveLength(1)
  })

  it('names the address that a proxy redirects to, and loses nothing', async () => {
    const { server, start, warnings } = await startSdk()
    const headers = { location: 'https://normwatch.example/' }
    server.misbehave = (_request, number) => (number < 3 ? { status: 301, headers } : undefined)
    const toy = start({ id: 'toy' })
    toy.log({ loss: 1 })
    expect(await toy.finish()).toMatchObject({ sent: 1 })
    expect(warnings.join()).toContain('301 redirects to https://normwatch.example/')
  })

  it('warns that its id was used before, unless it resumes', async () => {
    const { start, warnings } = await startSdk()
    await start({ id: 'toy' }).finish()
    await start({ id: 'toy', resume: true, fromStep: 0 }).finish()
    expect(warnings).toEqual([])
    await start({ id: 'toy' }).finish()
    expect(warnings).toEqual([expect.stringContaining('run toy already exists')])
  })

  it('trims its token, and names the environment variable if the server refuses it', async () => {
    const { server, start, warnings } = await startSdk()
    server.misbehave = () => refusal(401, 'unauthorized', 'Unknown token.')
    const toy = start({ id: 'toy', token: ' nw_mounted\n' })
    toy.log({ loss: 1 })
    await toy.finish()
    expect(server.requests[0]?.headers.authorization).toBe('Bearer nw_mounted')
    expect(warnings[0]).toContain('NORMWATCH_TOKEN')
  })

  it('warns about names that are probably misspelt, keeps them, and counts what it refuses', async () => {
    const { server, start, warnings } = await startSdk()
    const toy = start({ id: 'toy' })
    toy.log({ gradnorm: 1, grad_norm: 2, 'val/acc': 1, maxNorm: 0 })
    expect(await toy.finish()).toMatchObject({ sent: 1, invalid: 1 })
    expect(server.steps('toy')).toEqual([[0, { gradnorm: 1, grad_norm: 2, 'val/acc': 1 }]])
    expect(warnings).toEqual([
      'normwatch: log: gradnorm is kept as a metric of that name; did you mean gradNorm?',
      'normwatch: log: maxNorm must be a number above 0; Infinity means no cap at this step',
    ])
    expect(() => start({ strict: true }).log({ gradnorm: 1 })).toThrow(TypeError)
  })

  it.each([null, 'toy', 7])('treats %s as no options, with a warning', async (options) => {
    const { start, warnings } = await startSdk()
    const { startRun } = await import('../src/init.ts')
    const { nodePlatform } = await import('../src/node/platform.ts')
    void start
    const lines: string[] = []
    const platform = { ...nodePlatform(), env: () => 'disabled', warn: (line: string) => lines.push(line) }
    startRun(options as never, platform)
    expect([...warnings, ...lines][0]).toContain('init: options must be an object')
  })

  it('says at which step a cap changed, of the run and of a part, a hundred times at the most', async () => {
    const { server, start } = await startSdk()
    const events: { step: number; label: string; text: string }[] = []
    server.misbehave = ({ path, body }) => {
      if (!path.endsWith('/events')) return undefined
      events.push(...(body as { events: typeof events }).events)
      return { status: 200, body: '{"accepted":1}' }
    }
    const run = start({ id: 'toy', maxNorm: 1 })
    const critic = run.part('critic')
    for (const maxNorm of [1, 1, 0.5, 0.5, NaN, Infinity]) run.log({ gradNorm: 2, maxNorm })
    for (const maxNorm of [10, 5]) critic.log({ gradNorm: 2, maxNorm })
    await vi.waitFor(() => expect(events).toHaveLength(3), PATIENCE)
    expect(events.map(({ step, label, text }) => [step, label, text])).toEqual([
      [2, 'cap changed', 'max_norm: 1 → 0.5'],
      [5, 'cap changed', 'max_norm: 0.5 → Infinity'],
      [1, 'cap changed', 'max_norm of critic: 10 → 5'],
    ])
    for (let i = 1; i <= 200; i++) run.log({ maxNorm: i })
    await run.finish()
    expect(events).toHaveLength(100)
  })

  it('has events, and parts with their own step counters', async () => {
    const { server, start } = await startSdk()
    const events: unknown[] = []
    server.misbehave = ({ path, body }) => {
      if (!path.endsWith('/events')) return undefined
      events.push(body)
      return { status: 200, body: '{"accepted":1}' }
    }
    const toy = start({ id: 'toy' })
    const generator = toy.part('generator', { maxNorm: 1 })
    const critic = toy.part('critic', { clipValue: 0.5, optimizer: 'adam' })
    for (let i = 0; i < 2; i++) {
      generator.log({ gradNorm: 2 + i })
      critic.log({ gradNorm: 20 + i, maxNorm: Infinity })
    }
    expect(toy.part('critic')).toBe(critic)
    toy.event('stage 2', { step: 1, time: 5, text: 'longer contexts' })
    expect(await toy.finish()).toMatchObject({ unsent: 0, refused: 0, lost: 0 })
    expect(server.runs.get('toy')).toEqual([
      {},
      { parts: { generator: { clip: { mode: 'norm', max_norm: 1 } } } },
      { parts: { critic: { clip: { mode: 'value', clip_value: 0.5 }, optimizer: 'adam' } } },
      { status: 'finished' },
    ])
    expect(server.steps('toy')).toEqual([
      [0, { 'grad_norm/generator': 2, 'grad_norm/critic': 20, 'max_norm/critic': Infinity }],
      [1, { 'grad_norm/generator': 3, 'grad_norm/critic': 21, 'max_norm/critic': Infinity }],
    ])
    expect(events).toEqual([{ events: [{ step: 1, time: 5, label: 'stage 2', text: 'longer contexts' }] }])
  })
})

describe('the batch of a step', () => {
  it('is sent as an event if the norm is suspicious, and is not a metric', async () => {
    const { server, start, warnings } = await startSdk()
    const events: unknown[] = []
    server.misbehave = ({ path, body }) => {
      if (!path.endsWith('/events')) return undefined
      events.push(...(body as { events: { step: number; text: string }[] }).events)
      return undefined
    }
    const toy = start({ id: 'toy' })
    for (let step = 0; step < 40; step++) {
      const batch = () => Array.from({ length: 64 }, (_, i) => 64 * step + i)
      toy.log({ gradNorm: step === 30 ? Infinity : 1, batch: 7 }, { batch })
    }
    toy.log({ loss: 1 }, { batch: Symbol('x') } as never)
    expect(await toy.finish()).toMatchObject({ sent: 41, refused: 0, invalid: 1 })
    expect(events).toEqual(
      [28, 29, 30, 31, 32].map((step) => ({
        step,
        time: expect.any(Number) as number,
        label: 'batch',
        text: `${64 * step}–${64 * step + 63}`,
      })),
    )
    expect(server.steps('toy')[30]).toEqual([30, { grad_norm: Infinity, batch: 7 }])
    expect(warnings).toEqual([expect.stringContaining('log: batch must be a text, ids, or a function')])
  })
})

describe('normwatch-sync', { timeout: 60_000 }, () => {
  it('prints its help, and what is wrong with its arguments', async () => {
    expect((await run(process.execPath, [SYNC, '--help'])).stdout).toContain('NORMWATCH_TOKEN')
    const wrong = run(process.execPath, [SYNC, '--al'])
    await expect(wrong).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'--al'") as string,
    })
  })

  it('names the files that are left if the server is unreachable', async () => {
    const { start, spoolDir } = await startSdk()
    const toy = start({ id: 'toy', mode: 'offline', url: 'http://127.0.0.1:2' })
    toy.log({ loss: 1 })
    const { spool } = await toy.finish()
    const ended = run(process.execPath, [SYNC, spool as string], {
      env: { PATH: process.env['PATH'], NORMWATCH_SPOOL: spoolDir },
    })
    await expect(ended).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('left: ') as string,
    })
  })
})

describe('a process with signal-exit', { timeout: 60_000 }, () => {
  const addresses = [import.meta.resolve('signal-exit-3'), import.meta.resolve('signal-exit')]
  const [third, fourth] = addresses.map((address) => JSON.stringify(address))
  const cleaning = `(() => console.log('cleaned up'))`
  const version3 = `;(await import(${third})).default${cleaning}`
  const version4 = `;(await import(${fourth})).onExit${cleaning}`
  const script = (listener: string) => `
    const { init } = await import(${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))})
    ${listener}
    const run = init({ id: 'toy', mode: 'offline' })
    run.log({ loss: 1 })
    console.log('ready')
    setInterval(() => {}, 1000)`
  it.each([
    ['SIGTERM', 'version 3', version3],
    ['SIGINT', 'version 4', version4],
    ['SIGTERM', 'both versions', version3 + version4],
    ['SIGHUP', 'none', ''],
    ['SIGUSR2', 'none', ''],
  ] as const)('ends by %s with %s of it', async (signal, _version, listener) => {
    const { spoolDir, spooled } = await startSdk()
    const child = execFile(process.execPath, ['--input-type=module', '--eval', script(listener)], {
      env: { PATH: process.env['PATH'], NORMWATCH_SPOOL: spoolDir },
    })
    let output = ''
    child.stdout?.on('data', (text) => (output += text))
    await vi.waitFor(() => expect(output).toContain('ready'), { timeout: 30_000 })
    child.kill(signal)
    expect(await once(child, 'close')).toEqual([null, signal])
    expect(output.includes('cleaned up')).toBe(listener !== '')
    const [lines] = [...(await spooled()).values()]
    expect(lines?.at(-1)).toEqual({ patch: { status: 'failed' } })
  })

  it.each([
    ['', 'preempted'],
    [`process.once('SIGTERM', () => process.exit(0))`, 'finished'],
  ])('that SLURM stops is preempted, unless it sets another status: %s', async (listener, status) => {
    const { spoolDir, spooled } = await startSdk()
    const child = execFile(process.execPath, ['--input-type=module', '--eval', script(listener)], {
      env: { PATH: process.env['PATH'], NORMWATCH_SPOOL: spoolDir, SLURM_JOB_ID: '7' },
    })
    await once(child.stdout!, 'data')
    child.kill('SIGTERM')
    await once(child, 'exit')
    const [lines] = [...(await spooled()).values()]
    expect(lines?.at(-1)).toEqual({ patch: { status } })
  })
})
