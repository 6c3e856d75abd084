import { describe, expect, it } from 'vitest'
import { examplesIn, listVerbs, normwatch } from './command-line.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

/** A server with a healthy run `toy` and a run `toy-2` that keeps exceeding its cap. */
async function startWithRuns() {
  const folder = await tempFolder()
  const { url } = await startServer(folder)
  const send = async (method: string, path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
    expect(answer.ok, await answer.text()).toBe(true)
  }
  for (const [id, norm] of [
    ['toy', 0.5],
    ['toy-2', 5],
  ] as const) {
    await send('PUT', `/runs/${id}`, {
      project: 'toys',
      name: `${id} at lr 0.1`,
      clip: { mode: 'norm', max_norm: 1 },
      config: { lr: norm },
    })
    const points = Array.from({ length: 600 }, (_, step) => ({
      step,
      grad_norm: norm * (1 + 0.2 * Math.sin(step)),
      loss: 2 - step / 600,
      lr: 0.1,
    }))
    await send('POST', `/runs/${id}/points`, { points })
  }
  await send('PATCH', '/runs/toy', { status: 'finished' })
  return { folder, url, environment: { NORMWATCH_URL: url, NORMWATCH_DATA: folder } }
}

describe('the command normwatch', { timeout: 120_000 }, () => {
  it('shows an example in the help of each verb, in 80 columns, and the example works', async () => {
    const { url, folder, environment } = await startWithRuns()
    const verbs = await listVerbs()
    expect(verbs.length).toBeGreaterThan(5)
    const cwd = await tempFolder()
    for (const { path, help } of verbs) {
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expectToFit(help.stdout)
      const examples = examplesIn(help.stdout)
      expect(examples, `normwatch ${path.join(' ')} --help`).not.toEqual([])
      for (const args of examples) {
        expect(args.slice(0, path.length)).toEqual(path)
        await prepare(args, folder)
        const ended = await normwatch(args, { ...environment, NORMWATCH_PORT: new URL(url).port }, cwd)
        expect({ args, ...ended }).toMatchObject({ code: 0 })
        // neither the ids of tokens nor paths are cut
        if (args[0] !== 'token' && args[0] !== 'backup') expectToFit(ended.stdout)
      }
    }
  })

  it('says in a sentence what is wrong, and tells wrong use (2) from a failure (1)', async () => {
    expect(await normwatch(['runs', '--limit', '0'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('It must be a whole number from 1 to 200.'),
    })
    expect(await normwatch(['melt'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Unknown command 'melt'"),
    })
    expect(await normwatch(['runs'], { NORMWATCH_URL: 'ftp://x' })).toMatchObject({ code: 2 })
    expect(await normwatch(['runs'], { NORMWATCH_URL: 'http://127.0.0.1:2' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'http://127.0.0.1:2 does not answer (ECONNREFUSED). Is the server running?\n',
    })
  })

  it('lists runs and findings for people and for programs', async () => {
    const { environment } = await startWithRuns()
    const runs = await normwatch(['runs'], environment)
    expect(runs.stdout).toMatch(
      /^RUN +HEALTH +STATUS +STEP +NORM +CLIPPED +NAME\ntoy-2 +flagged +running +599 /,
    )
    const json = await normwatch(['runs', '--json', '--health', 'flagged'], environment)
    expect(JSON.parse(json.stdout)).toMatchObject({ runs: [{ id: 'toy-2' }], next_cursor: null })
    const findings = await normwatch(['findings', '--run', 'toy-2'], environment)
    expect(findings.stdout).toMatch(
      /^SEVERITY +FINDING +RUN +STEPS +STATE +CAUSE\nwarning +clip_saturated +toy-2 /,
    )
    expect(await normwatch(['findings', '--run', 'toy'], environment)).toMatchObject({
      stdout: '',
      stderr: 'No findings.\n',
    })
  })

  it('names the variable where the server asks for a token', async () => {
    const server = await startServer(await tempFolder(), [], { NORMWATCH_TOKEN: `nw_${'x'.repeat(43)}` })
    const ended = await normwatch(['runs'], { NORMWATCH_URL: server.url })
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('NORMWATCH_TOKEN') })
    const wrong = { NORMWATCH_URL: server.url, NORMWATCH_TOKEN: 'nw_wrong' }
    expect(await normwatch(['runs'], wrong)).toMatchObject({
      code: 1,
      stderr: `${server.url} does not know the token in NORMWATCH_TOKEN.\n`,
    })
    const right = { NORMWATCH_URL: server.url, NORMWATCH_TOKEN: `nw_${'x'.repeat(43)}\n` }
    expect(await normwatch(['runs'], right)).toMatchObject({ code: 0 })
  })
})

function expectToFit(text: string): void {
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
}

/** Some examples stand for what a person reads off the screen first. */
async function prepare(args: string[], folder: string): Promise<void> {
  if (args[1] !== 'revoke') return
  const list = await normwatch(['token', 'list'], { NORMWATCH_DATA: folder })
  args[2] = list.stdout.split(' ')[0] as string
}
