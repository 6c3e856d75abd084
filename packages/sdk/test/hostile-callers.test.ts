import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { toWireConfig } from '../src/config.ts'
import { startRun } from '../src/init.ts'
import { nodePlatform } from '../src/node/platform.ts'
import { runProgram, SDK } from './run-program.ts'
import { startSdk } from './start.ts'

/** Throws whatever is done with it, and what it throws has no text. */
const HOSTILE = new Proxy(
  {},
  {
    get: () => throwNothing(),
    has: () => throwNothing(),
    ownKeys: () => throwNothing(),
  },
)
function throwNothing(): never {
  throw Object.create(null)
}
const realTimer = globalThis.setTimeout
const UNREADABLE = 'cannot be read (an error without a text)'

describe('a training loop is not ended by', () => {
  it('options, readings, names and labels that throw when they are read', async () => {
    const { start, warnings } = await startSdk()
    const env = (name: string) => (name === 'NORMWATCH_MODE' ? 'disabled' : undefined)
    const platform = { ...nodePlatform(), env, warn: (line: string) => warnings.push(line) }
    await startRun(HOSTILE, platform).finish()
    const run = start()
    run.log({ loss: 1 })
    run.log(HOSTILE)
    run.log({ loss: 2 }, HOSTILE)
    run.part(HOSTILE as never).log({ gradNorm: 1 })
    run.part('critic', HOSTILE).log({ gradNorm: 1 })
    run.event(HOSTILE as never)
    run.event('stage 2', HOSTILE)
    await run.flush(HOSTILE)
    expect(await run.finish(HOSTILE)).toMatchObject({ sent: 3, lost: 0 })
    expect(warnings).toEqual([
      `normwatch: init: options ${UNREADABLE}`,
      'normwatch: log: readings could not be taken: an error without a text',
      `normwatch: log: options ${UNREADABLE}`,
      'normwatch: part: name must be 1 to 64 characters without "/"; its readings are not kept',
      `normwatch: part: options ${UNREADABLE}`,
      'normwatch: event: label must be Unicode text of 1 to 128 characters',
      `normwatch: event: options ${UNREADABLE}`,
      `normwatch: flush: options ${UNREADABLE}`,
      `normwatch: finish: options ${UNREADABLE}`,
    ])
  })

  it('names that are not Unicode: their readings and events are left out, and no others', async () => {
    const { server, start, warnings } = await startSdk()
    const run = start({ id: 'toy', project: 'p\ud800' })
    run.log({ loss: 1, '\ud800': 2, 'layers/\udc00': 3, '\ud83d\ude00': 4 })
    run.event('\udfff')
    run.part('\ud800').log({ gradNorm: 1 })
    expect(await run.finish()).toMatchObject({ sent: 1, invalid: 5 })
    expect(server.steps('toy')[0]).toEqual([0, { loss: 1, '\ud83d\ude00': 4 }])
    expect(warnings).toHaveLength(4)
  })

  it('one reading that throws: the other readings of the call are kept', async () => {
    const { server, start, warnings } = await startSdk()
    const run = start({ id: 'toy' })
    const readings = { loss: 1, lr: 0.1, get accuracy() { return throwNothing() }, gradNorm: 2 } // prettier-ignore
    for (let i = 0; i < 3; i++) run.log(readings)
    expect(await run.finish()).toMatchObject({ sent: 3, invalid: 3 })
    expect(server.steps('toy')[2]).toEqual([2, { loss: 1, lr: 0.1, grad_norm: 2 }])
    expect(warnings).toEqual([`normwatch: log: accuracy ${UNREADABLE}`])
  })

  it.each([
    ['a configuration', HOSTILE, {}, 'config'],
    ['a value in it', { lr: 1, model: { toJSON: throwNothing } }, { lr: 1 }, 'config.model'],
  ])('%s that throws: it is left out, and the run is recorded', async (_what, config, kept, name) => {
    const { server, start, warnings } = await startSdk()
    const run = start({ id: 'toy', config })
    run.log({ loss: 1 })
    expect(await run.finish()).toMatchObject({ sent: 1 })
    expect(server.runs.get('toy')?.[0]).toEqual(name === 'config' ? {} : { config: kept })
    expect(warnings[0]).toContain(`init: ${name} `)
  })

  it('a console that throws', async () => {
    const { server, start } = await startSdk()
    const broken = () => throwNothing()
    const run = start({ id: 'toy', misspelt: 1 } as object, { warn: broken, say: broken })
    run.log({ loss: 'high' as never, lr: 0.1 })
    expect(await run.finish()).toMatchObject({ sent: 1, invalid: 1 })
    expect(server.steps('toy')).toEqual([[0, { lr: 0.1 }]])
  })

  it('methods that are taken from the run, or called through a proxy of it', async () => {
    const { server, start } = await startSdk()
    const { log, part, event, flush, finish } = start({ id: 'taken' })
    ;[{ loss: 1 }, { loss: 2 }].forEach((readings) => log(readings))
    part('critic').log({ gradNorm: 1 })
    event('stage 2')
    await flush()
    expect(await finish()).toMatchObject({ sent: 3 })
    const reactive = new Proxy(start({ id: 'proxied' }), {})
    reactive.log({ loss: 1 })
    expect(await reactive.finish()).toMatchObject({ sent: 1 })
    expect(server.steps('proxied')).toHaveLength(1)
  })

  it('timers and clocks that a test replaces: finish still resolves, and readings are sent meanwhile', async () => {
    const { server, start } = await startSdk()
    onTestFinished(() => void vi.useRealTimers())
    vi.useFakeTimers()
    const run = start({ id: 'toy' })
    run.log({ loss: 1 })
    while (server.steps('toy').length === 0) await new Promise((resolve) => realTimer(resolve, 20))
    server.misbehave = () => 'hang up'
    run.log({ loss: 2 })
    expect(await run.finish({ timeoutMs: 200 })).toMatchObject({ sent: 1, unsent: 1, lost: 0 })
  })

  it('a simulated page without TextEncoder', () => {
    vi.stubGlobal('TextEncoder', undefined)
    onTestFinished(() => void vi.unstubAllGlobals())
    const text = 'é'.repeat(20_000) + '漢'.repeat(10_000)
    expect(toWireConfig({ text, lr: 1 }).config).toEqual({ text: '(cut: 70002 bytes)', lr: 1 })
    expect(toWireConfig({ text: '\u{1f600}'.repeat(16_000) }).notes).toEqual([])
  })

  it('functions that a library adds to the prototype of all objects', async () => {
    const { server, spoolDir } = await startSdk()
    const program = `
      Object.prototype.extend = () => {}
      Array.prototype.extend = () => {}
      const { init } = await import(${SDK})
      const run = init({ id: 'toy', config: { sizes: [1, 2] } })
      run.log({ loss: 1, layers: { head: 2 } })
      console.log((await run.finish()).invalid)`
    const { stdout, stderr } = await runProgram(program, { server, spoolDir })
    expect(server.steps('toy')).toEqual([[0, { loss: 1, 'layers/head': 2 }]])
    expect([stdout, stderr]).toEqual(['0\n', `normwatch: ${server.url}/runs/toy\n`])
  })
})

describe('a program that NODE_OPTIONS preloads and that calls init', { timeout: 60_000 }, () => {
  it.each(['', ', resume: true'])('runs once, not in each thread: init({ id%s })', async (resume) => {
    const { server, spoolDir } = await startSdk()
    const preload = join(spoolDir, '../preload.mjs')
    const program = `
      import { threadId } from 'node:worker_threads'
      if (threadId > 9) throw new Error('too many threads')
      const { init } = await import(${SDK})
      const run = init({ id: 'toy-' + threadId${resume} })
      run.log({ loss: 1 })`
    await writeFile(preload, program)
    const options = `--dns-result-order=ipv4first --import ${preload}`
    const { stderr } = await runProgram('', { server, spoolDir }, { env: { NODE_OPTIONS: options } })
    expect([...server.runs.keys()]).toEqual(['toy-0'])
    expect(server.steps('toy-0')).toHaveLength(1)
    expect(stderr).toBe(`normwatch: ${server.url}/runs/toy-0\n`)
  })
})
