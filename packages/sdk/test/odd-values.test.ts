import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clipByGlobalNorm, clipByValue, globalNorm, type GradientArray } from '../src/clip.ts'
import { sync } from '../src/index.ts'
import { runProgram, SDK } from './run-program.ts'
import { startSdk, type Started } from './start.ts'

describe('a tensor that clipping would damage', () => {
  const tensors: [string, unknown, string][] = [
    ['a matrix', [[3, 4], [6, 8]], 'flat list'], // prettier-ignore
    ['whole numbers', new Int32Array([3, 4]), 'flat list'],
    ['bytes', new Uint8ClampedArray([3, 4]), 'flat list'],
    ['big integers', new BigInt64Array([3n, 4n]), 'flat list'],
    ['texts', ['3', '4'], 'flat list'],
    ['a list with a hole', [3, undefined, 4], 'flat list'],
    ['a named tensor', ['weight', new Float32Array([3, 4])], 'flat list'],
    ['nothing', null, 'list of arrays'],
  ]
  it.each(tensors)('is refused before any gradient is changed: %s', (_what, tensor, words) => {
    const good = new Float32Array([30, 40])
    const before = structuredClone(tensor)
    const all = [good, tensor] as GradientArray[]
    for (const call of [
      globalNorm,
      (g: GradientArray[]) => clipByGlobalNorm(g, 1),
      (g: GradientArray[]) => clipByValue(g, 1),
    ])
      // prettier-ignore
      expect(() => call(all)).toThrow(words)
    expect([...good]).toEqual([30, 40])
    expect(tensor).toEqual(before)
  })
})

/** The events that a server gets, and how many requests they come in. */
function collectEvents({ server }: Started) {
  const events: { step: number; label: string; text?: string }[] = []
  const seen = { events, requests: 0 }
  server.misbehave = ({ path, body }) => {
    if (!path.endsWith('/events')) return undefined
    seen.requests++
    events.push(...(body as { events: typeof events }).events)
    return undefined
  }
  return seen
}

describe('events', { timeout: 30_000 }, () => {
  it('of many steps come in few requests, after the readings of their steps, and ten thousand at the most', async () => {
    const sdk = await startSdk()
    const seen = collectEvents(sdk)
    const run = sdk.start({ id: 'toy' })
    for (let step = 0; step < 10_050; step++) {
      run.log({ step, loss: 1 })
      run.event('checkpoint')
    }
    expect(await run.finish()).toMatchObject({ sent: 10_050, refused: 0 })
    expect(seen.events.map(({ step }) => step)).toEqual(Array.from({ length: 10_000 }, (_, step) => step))
    expect(seen.requests).toBeLessThan(30)
    expect(sdk.warnings).toEqual([
      'normwatch: event: a run has at most 10000 events; later ones are not kept',
    ])
  })

  it('name the batch as it was at its step, if the program fills the same list again, and never count for ever', async () => {
    const sdk = await startSdk()
    const seen = collectEvents(sdk)
    const run = sdk.start({ id: 'toy' })
    const ids = new Int32Array(4)
    for (let step = 0; step < 3; step++) {
      ids.set([0, 1, 2, 3].map((i) => 4 * step + i))
      run.log({ step, gradNorm: step === 2 ? NaN : 1 }, { batch: ids })
    }
    run.log({ step: 3, gradNorm: 1 }, { batch: { length: 1e9 } })
    run.log({ step: 4, gradNorm: 1 }, { batch: Uint32Array.from({ length: 100_000 }, (_, i) => i) })
    await run.finish()
    expect(seen.events.map(({ step, text = '' }) => [step, text.slice(0, 24), text.length])).toEqual([
      [0, '0–3', 3],
      [1, '4–7', 3],
      [2, '8–11', 4],
      [3, 'undefined, undefined, un', 2_048],
      [4, '0–65535, …', 10],
    ])
  })
})

describe('a setting with blanks around it, as from a mounted file', { timeout: 30_000 }, () => {
  it('is used without them: every variable, and the option url', async () => {
    const sdk = await startSdk()
    const env = {
      NORMWATCH_URL: ` ${sdk.server.url}/\n`,
      NORMWATCH_TOKEN: 'nw_token\n',
      NORMWATCH_PROJECT: ' toys \r\n',
      NORMWATCH_RUN_ID: 'toy\n',
      NORMWATCH_MODE: 'online\n',
      NORMWATCH_SPOOL: `${sdk.spoolDir}\n`,
    }
    const program = `
      const { init } = await import(${SDK})
      await init().finish()
      await init({ id: 'second', url: ${JSON.stringify(`${sdk.server.url} \n`)} }).finish()`
    const { stderr } = await runProgram(program, sdk, { env })
    expect(stderr).toBe(`normwatch: ${sdk.server.url}/runs/toy\nnormwatch: ${sdk.server.url}/runs/second\n`)
    expect(sdk.server.runs.get('toy')?.[0]).toEqual({ project: 'toys' })
  })
})

describe('a sync', () => {
  it.each([
    [{ url: 'nonsense' }, 'url must be an http or https address'],
    [{ spool_dir: 'spool' }, 'spool_dir is not an option; did you mean spoolDir?'],
    [{ token: 7 }, 'token must be a text'],
    [{ spoolDir: 7 }, 'spoolDir must be the path of a folder'],
    [{ all: 'yes' }, 'all must be true or false'],
    [null, 'options must be an object'],
  ])('rejects wrong use with a sentence, and sends nothing: %j', async (options, words) => {
    const { server } = await startSdk()
    await expect(sync(options as object)).rejects.toThrow(`normwatch: sync: ${words}`)
    expect(server.requests).toEqual([])
  })
})

describe('a warning about the server', { timeout: 30_000 }, () => {
  it('is one line, also for an https address of a server that speaks http', async () => {
    const listener = createServer((socket) =>
      socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    )
    onTestFinished(() => void listener.close())
    await once(listener.listen(0, '127.0.0.1'), 'listening')
    const { start, warnings } = await startSdk()
    const url = `https://127.0.0.1:${(listener.address() as AddressInfo).port}`
    await start({ id: 'toy', url }).finish({ timeoutMs: 500 })
    expect(warnings[0]).toContain(`${url} does not take readings now (`)
    expect(warnings.filter((line) => line.includes('\n'))).toEqual([])
  })
})
