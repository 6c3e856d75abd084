import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRun } from '../src/init.ts'
import { nodePlatform } from '../src/node/platform.ts'
import { sendSpoolFiles } from '../src/node/sync.ts'
import type { InitOptions } from '../src/types.ts'
import { refusal } from './small-server.ts'
import { startSdk } from './start.ts'

const badOptions: [string, Record<string, unknown>, string][] = [
  ['a cap of 0', { maxNorm: 0 }, 'init: maxNorm must be a number above 0'],
  ['a cap that is a text', { maxNorm: '1.0' }, 'init: maxNorm must be a number above 0'],
  ['a NaN clip value', { clipValue: NaN }, 'init: clipValue must be a number above 0'],
  ['both ways of clipping', { maxNorm: 1, clipValue: 1 }, 'init: clipValue cannot be combined with maxNorm'],
  ['an id that is a path', { id: '..' }, 'init: id must be 1 to 64 characters'],
  ['an id with a slash', { id: '../etc' }, 'init: id must be 1 to 64 characters'],
  ['a project with a slash', { project: 'a/b' }, 'init: project must be 1 to 128 characters'],
  ['an empty name', { name: '' }, 'init: name must be 1 to 256 characters'],
  ['a negative first step', { fromStep: -1 }, 'init: fromStep must be a whole number'],
  ['a resume without an id', { resume: true }, 'init: resume needs the id'],
  [
    'a malformed address',
    { url: 'localhost:4280', mode: 'offline' },
    'init: url must be an http or https address',
  ],
  [
    'an address with a password',
    { url: 'http://me:secret@127.0.0.1:1', mode: 'offline' },
    'init: url must be an http or https address without a password',
  ],
  [
    'an address that ends in a query',
    { url: 'http://127.0.0.1:1/?key=secret', mode: 'offline' },
    'init: url must be an http or https address without a password, a query or a fragment',
  ],
  ['a token with a space', { token: 'nw_ secret' }, 'init: token must be 1 to 512 visible characters'],
  ['tags that repeat', { tags: ['a', 'a'] }, 'init: tags must be at most 64 different texts'],
  ['a misspelt option', { max_norm: 1 }, 'init: max_norm is not an option; did you mean maxNorm?'],
  ['an unknown option', { wandb: true }, 'init: wandb is not an option'],
  ['a configuration that is a list', { config: [1] }, 'init: config must be an object'],
  ['a configuration that is a set', { config: new Set([1]) }, 'init: config must be an object'],
]

/** With these options nothing is sent: readings stay on this machine, so that they cannot go to the wrong server. */
const badTargets: [string, Record<string, unknown>, string][] = [
  ['an unknown mode', { mode: 'sometimes' }, 'mode must be disabled, offline or online'],
  ['a malformed address', { url: 'trainer:4280' }, 'url must be an http or https address'],
  [
    'an address that is not a text',
    { url: new URL('http://127.0.0.1') },
    'url must be an http or https address',
  ],
]

describe('wrong use', { timeout: 30_000 }, () => {
  it.each(badOptions)(
    'of init is a warning, and the run continues without the option: %s',
    async (_name, options, sentence) => {
      const { server, start, warnings } = await startSdk()
      const run = start({ url: server.url, ...options } as InitOptions, {
        env: (name) => (name === 'NORMWATCH_URL' ? server.url : undefined),
      })
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toContain(sentence)
      expect(warnings[0]).not.toContain('secret')
      run.log({ loss: 1 })
      if (!('url' in options)) expect(await run.finish()).toMatchObject({ sent: 1, refused: 0 })
    },
  )

  it.each(badOptions)('of init throws in strict mode: %s', async (_name, options, sentence) => {
    const { start } = await startSdk()
    expect(() => start({ ...(options as InitOptions), strict: true })).toThrow(sentence)
  })

  it.each(badTargets)(
    'of a target records offline, and prints where: %s',
    async (_name, options, sentence) => {
      const { server, start, warnings, said, spooled, spoolDir } = await startSdk()
      const run = start({ id: 'toy', ...options } as InitOptions, {
        ownServer: () => ({ url: server.url, token: 'nw_own' }),
      })
      run.log({ loss: 1 })
      const { unsent, spool } = await run.finish()
      expect(unsent).toBe(1)
      expect(warnings).toEqual([`normwatch: init: ${sentence}${warnings[0]?.split(sentence)[1]}`])
      expect(warnings[0]).toContain('this run is recorded offline')
      expect(said.join()).toContain(spool)
      expect((await spooled()).size).toBe(1)
      expect(server.requests).toEqual([])
      if ('url' in options)
        expect(await sendSpoolFiles([spool as string], {})).toMatchObject({ filesLeft: [expect.any(String)] })
      const files = (await readdir(spoolDir)).map((file) => join(spoolDir, file))
      expect(await sendSpoolFiles(files, { url: server.url })).toMatchObject({ sent: 1, filesLeft: [] })
    },
  )

  it.each([
    ['NORMWATCH_URL', 'trainer:4280'],
    ['NORMWATCH_MODE', 'Offline'],
  ])('of the variable %s is reported by name, and records offline', async (variable, value) => {
    const { server, start, warnings } = await startSdk()
    const run = start({ url: undefined }, { env: (name) => (name === variable ? value : undefined) })
    run.log({ loss: 1 })
    expect(await run.finish()).toMatchObject({ unsent: 1 })
    expect(warnings[0]).toContain(`init: ${variable} must be`)
    expect(server.requests).toEqual([])
  })

  it('of init never ends a training, even if reading its options throws', async () => {
    const { server, spoolDir } = await startSdk()
    const warnings: string[] = []
    const platform = { ...nodePlatform(), warn: (line: string) => warnings.push(line), say: () => {} }
    const broken = () => {
      throw new Error('no')
    }
    const options = { url: server.url, spoolDir, maxNorm: '1' }
    Object.defineProperty(options, 'project', { get: broken, enumerable: true })
    expect(await startRun(options as never, platform).finish()).toMatchObject({ unsent: 0 })
    expect(warnings).toEqual([
      'normwatch: init: maxNorm must be a number above 0',
      'normwatch: init: project cannot be read (Error: no)',
    ])
    const spool = { ...platform, env: (name: string) => (name === 'NORMWATCH_SPOOL' ? spoolDir : undefined) }
    const unread = startRun(new Proxy({}, { ownKeys: broken }), spool)
    unread.log({ loss: 1 })
    expect(await unread.finish(), 'the server that was meant is not known').toMatchObject({ unsent: 1 })
    expect(warnings.at(-1)).toBe('normwatch: init: options cannot be read (Error: no)')
  })

  it('of the other calls is a warning too, and everything valid is still done', async () => {
    const { server, start, warnings } = await startSdk()
    const run = start({ id: 'toy' })
    run.part('critic', { max_norm: 1 } as never).log({ gradNorm: 2 })
    run.event('kept', { stp: 1 } as never)
    run.event('not kept', { step: 0.5 })
    expect(await run.flush(null as never)).toBe(true)
    expect(await run.finish({ status: 'crashed', timeoutMs: NaN } as never)).toMatchObject({
      sent: 1,
      invalid: 6,
    })
    expect(server.runs.get('toy')?.at(-1)).toEqual({ status: 'finished' })
    expect(warnings.map((line) => line.replace('normwatch: ', ''))).toEqual([
      'part: max_norm is not an option; did you mean maxNorm?',
      'event: stp is not an option',
      'event: step must be a whole number from 0 to 2^53 - 1',
      'flush: options must be an object such as { timeoutMs }',
      'finish: status must be finished, failed or preempted',
      'finish: timeoutMs must be milliseconds, a number from 0 on',
    ])
  })

  it('of one reading does not affect the others of its batch: caps by wire name, and a seventeenth part', async () => {
    const { server, start, warnings } = await startSdk()
    const run = start({ id: 'toy' })
    run.log({ gradNorm: 1, max_norm: 0, 'max_norm/critic': NaN })
    for (let i = 0; i < 20; i++) run.part(`p${i}`).log({ step: 0, gradNorm: i })
    for (let i = 0; i < 20; i++) run.log({ step: 1, [`grad_norm/q${i}`]: i, loss: i })
    expect(await run.finish()).toMatchObject({ refused: 0, invalid: 2 + 2 * 4 + 20 })
    expect(Object.keys(server.steps('toy')[0]?.[1] ?? {})).toHaveLength(17)
    expect(server.steps('toy')[1]).toEqual([1, { loss: 19 }])
    expect(warnings.filter((line) => line.includes('a run has at most 16 parts'))).toHaveLength(2)
  })

  it('that only the server can tell, such as a part beyond those of an earlier process, costs no other reading', async () => {
    const { server, start, warnings } = await startSdk()
    const refused = ['grad_norm/new', 'clip_fraction/other']
    server.misbehave = ({ method, body }) => {
      const { columns = {} } = (body ?? {}) as { columns?: object }
      if (method !== 'POST' || !refused.some((name) => Object.hasOwn(columns, name))) return undefined
      return refusal(413, 'too_many_metrics', 'A run has at most 16 parts; this makes it 17.')
    }
    const run = start({ id: 'toy' })
    const isNew = (step: number) => step >= 10
    for (let step = 0; step < 1_000; step++) {
      const beyond = isNew(step) ? { 'grad_norm/new': 2, 'clip_fraction/other': 0.5 } : {}
      run.log({ step, loss: 1, lr: 0.1, ...beyond })
    }
    await run.flush()
    const before = server.requests.length
    run.log({ step: 1_000, loss: 1, 'grad_norm/new': 2 })
    run.log({ step: 1_001, 'grad_norm/new': 2 })
    expect(await run.finish()).toMatchObject({ sent: 1_001, refused: 2 * 990 + 2, lost: 0 })
    expect(server.steps('toy')).toEqual(
      Array.from({ length: 1_001 }, (_, step) => [step, step < 1_000 ? { loss: 1, lr: 0.1 } : { loss: 1 }]),
    )
    expect(before).toBeLessThan(30)
    expect(server.requests.length).toBe(before + 2)
    expect(warnings.filter((line) => line.includes('at most 16 parts'))).toHaveLength(1)
  })

  it('that is different each time fills neither memory nor the log', async () => {
    const { start, warnings } = await startSdk()
    const run = start({ id: 'toy' })
    for (let i = 0; i < 1_000; i++) run.log({ loss: i, [`metric ${i}`]: 'x' as unknown as number })
    expect(await run.finish()).toMatchObject({ sent: 1_000, lost: 0 })
    expect(warnings.length).toBeLessThanOrEqual(200)
  })

  it('of log is one warning per argument, and the other readings are kept', async () => {
    const { server, start, warnings } = await startSdk()
    const run = start({ id: 'toy' })
    for (let i = 0; i < 3; i++) run.log({ gradNorm: i, loss: '0.5' as unknown as number })
    run.log({ step: -1, loss: 1 })
    run.log(undefined as never)
    for (const readings of [7, [1, 2], new Map([['loss', 1]]), new Float32Array(2)])
      run.log(readings as never)
    for (const layers of [[1], new Map([['a', 1]])]) run.log({ step: 2, layers: layers as never })
    run.log({
      get loss(): number {
        throw new Error('a getter that fails')
      },
    })
    await run.finish()
    run.log({ loss: 1 })
    expect(warnings).toEqual([
      'normwatch: log: loss must be a number (NaN and Infinity are numbers), null or undefined',
      'normwatch: log: step must be a whole number from 0 to 2^53 - 1',
      'normwatch: log: readings must be an object such as { gradNorm, loss }',
      'normwatch: log: layers must be an object: layer name → norm',
      'normwatch: log: loss cannot be read (Error: a getter that fails)',
      'normwatch: log: run toy is finished; its readings are not kept',
    ])
    expect(server.steps('toy').slice(0, 3)).toEqual([0, 1, 2].map((i) => [i, { grad_norm: i }]))
  })

  it('of log throws in strict mode, with a sentence that names the argument', async () => {
    const { start } = await startSdk()
    const run = start({ strict: true })
    expect(() => run.log({ step: 0.5 })).toThrow(
      new TypeError('normwatch: log: step must be a whole number from 0 to 2^53 - 1'),
    )
    expect(() => run.log({ loss: true as never })).toThrow('log: loss must be a number')
  })
})

describe('the environment', () => {
  it('sets the options that the call leaves out', async () => {
    const { server, start } = await startSdk()
    const environment: Record<string, string> = {
      NORMWATCH_URL: `${server.url}/`,
      NORMWATCH_TOKEN: 'nw_t',
      NORMWATCH_PROJECT: 'p',
      NORMWATCH_RUN_ID: 'from-env',
      NORMWATCH_MODE: '',
    }
    const run = start({ url: undefined }, { env: (name) => environment[name] })
    expect([run.id, run.url]).toEqual(['from-env', `${server.url}/runs/from-env`])
    await run.finish()
    expect(server.runs.get('from-env')?.[0]).toEqual({ project: 'p' })
    expect(server.requests[0]?.headers.authorization).toBe('Bearer nw_t')
  })

  it('turns everything off', async () => {
    const { server, start, said, spooled } = await startSdk()
    const run = start({}, { env: (name) => (name === 'NORMWATCH_MODE' ? 'disabled' : undefined) })
    run.log({ loss: 'nonsense' as never })
    expect(await run.flush()).toBe(true)
    expect(await run.finish()).toEqual({
      sent: 0,
      unsent: 0,
      refused: 0,
      lost: 0,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    expect([server.requests, said, (await spooled()).size]).toEqual([[], [], 0])
  })
})
