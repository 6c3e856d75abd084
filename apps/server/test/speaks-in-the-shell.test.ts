import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { examplesIn, listVerbs, normwatch, NORMWATCH } from './command-line.ts'
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

describe('the command normwatch', { timeout: 300_000 }, () => {
  it('shows an example in the help of each verb, in 80 columns, and the example works', async () => {
    const { url, folder, environment } = await startWithRuns()
    // serve prints the help of the server and does not end by itself, migrate needs a database: tests of their own try them
    const verbs = (await listVerbs()).filter(({ path: [verb] }) => verb !== 'serve' && verb !== 'migrate')
    expectToFit((await normwatch(['migrate', '--help'])).stdout)
    expectToFit((await normwatch(['--help'])).stdout)
    expectToFit((await normwatch(['serve', '--help'])).stdout)
    expect(verbs.length).toBeGreaterThan(5)
    const cwd = await tempFolder()
    writeFileSync(join(cwd, 'train.jsonl'), '{"step":1,"grad_norm":0.5}\n{"step":2,"grad_norm":0.6}\n')
    for (const { path, help } of verbs) {
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expectToFit(help.stdout)
      const examples = examplesIn(help.stdout)
      expect(examples, `normwatch ${path.join(' ')} --help`).not.toEqual([])
      for (const args of examples) {
        expect(args.slice(0, path.length)).toEqual(path)
        // goes on until Ctrl-C: tests of its own try it
        if (args.includes('--follow')) continue
        await prepare(args, folder)
        const here = {
          ...environment,
          NORMWATCH_PORT: new URL(url).port,
          NORMWATCH_SPOOL: join(cwd, 'spool'),
        }
        const ended = await normwatch(args, here, cwd)
        expect({ args, ...ended }).toMatchObject({ code: 0 })
        // neither the ids of tokens nor paths are cut
        if (!['token', 'backup', 'skill'].includes(args[0] as string)) expectToFit(ended.stdout)
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

  it.each([
    [['compare', 'toy'], 'Name two to eight runs.'],
    [['findings', '--kind', 'odd'], 'Allowed choices are clip_saturated'],
    [['findings', '--state', 'odd'], 'Allowed choices are open, closed.'],
    [['runs', '--health', 'odd'], 'Allowed choices are ok, watch, flagged, unknown.'],
    [['watch', 'toy', '--until', 'odd'], 'Allowed choices are finding, end.'],
    [['import', 'x', '--format', 'odd'], '--format list names all formats.'],
    [['export', 'toy', '--format', 'tensorboard'], 'Name a folder for TensorBoard with --output.'],
  ])('tells wrong use before it asks a server: %j', async (args, sentence) => {
    const ended = await normwatch(args, { NORMWATCH_URL: 'http://127.0.0.1:2' })
    expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) as string })
    expect(ended.stderr).not.toContain(' at ')
  })

  it('takes the beginning of an id, as tables show it, and names the runs where it is that of several', async () => {
    const { environment } = await startWithRuns()
    expect((await normwatch(['show', 'toy-…'], environment)).stdout).toMatch(/^toy-2: /)
    expect((await normwatch(['show', 'toy'], environment)).stdout).toMatch(/^toy: /)
    expect((await normwatch(['findings', '--run', 'toy-'], environment)).stdout).toContain('clip_saturated')
    expect(await normwatch(['snapshot', 'to', '--around', '1'], environment)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Several runs begin with "to": toy(-2)?, toy(-2)?\.\n$/) as string,
    })
    for (const none of ['none', '../settings', 'toy?x', 'ä'])
      expect(await normwatch(['findings', '--run', none], environment)).toEqual({
        code: 1,
        stdout: '',
        stderr: `There is no run "${none}".\n`,
      })
  })

  it('serves without a verb, with the flags of the server', async () => {
    const child = spawn(process.execPath, [NORMWATCH, '--port', '0', '--data', await tempFolder()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (part) => (said += String(part)))
    await vi.waitFor(() => expect(said).toContain('Normwatch listens on http://127.0.0.1:'), 60_000)
  })

  it('watches a training, whose exit code it has', async () => {
    const training = ['python3', '-c', 'import sys; print(sys.argv[1:]); sys.exit(3)', '--lr', '3']
    const ended = await normwatch(['run', '--project', 'toys', '--', ...training])
    expect(ended).toMatchObject({ code: 3, stdout: "['--lr', '3']\n" })
  })

  it('completes verbs, options, choices and runs for a shell', async () => {
    const completed = async (...words: string[]) =>
      (await normwatch(['complete', '--', ...words])).stdout.split('\n').map((line) => line.split('\t')[0])
    expect(await completed('sna')).toContain('snapshot')
    expect(await completed('snapshot', '--a')).toContain('--around')
    expect(await completed('export', 'toy', '--format', '')).toEqual(
      expect.arrayContaining(['csv', 'parquet', 'html']),
    )
    const { environment } = await startWithRuns()
    const runs = async (address: Record<string, string>, ...words: string[]) =>
      (await normwatch(['complete', '--', ...words], address)).stdout
        .split('\n')
        .map((line) => line.split('\t')[0])
        .filter((word) => word?.startsWith('toy'))
        .sort()
    expect(await runs(environment, 'show', '')).toEqual(['toy', 'toy-2'])
    expect(await runs(environment, 'compare', 'toy', 'toy-')).toEqual(['toy-2'])
    expect(await runs({ NORMWATCH_URL: 'http://127.0.0.1:2' }, 'show', 't')).toEqual([])
    const script = await normwatch(['complete', 'bash'])
    expect(spawnSync('bash', ['-n'], { input: script.stdout })).toMatchObject({ status: 0 })
  })

  it.skipIf(!existsSync('/dev/full'))('says that a result could not be written', async () => {
    const { environment } = await startWithRuns()
    const full = openSync('/dev/full', 'w')
    onTestFinished(() => closeSync(full))
    const child = spawn(process.execPath, [NORMWATCH, 'runs'], {
      stdio: ['ignore', full, 'pipe'],
      env: { PATH: process.env['PATH'], ...environment },
    })
    let said = ''
    child.stderr?.on('data', (part) => (said += String(part)))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(said).toMatch(/^The result could not be written: ENOSPC.*\.\n$/)
  })

  it('leaves a whole file or none where an export is interrupted', async () => {
    const { url, environment } = await startWithRuns()
    for (let from = 0; from < 100_000; from += 10_000) {
      const step = Array.from({ length: 10_000 }, (_, i) => from + i)
      const columns = { step, grad_norm: step.map(() => 0.5), loss: step.map((one) => 1 / (one + 1)) }
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ columns })
      const sent = await fetch(`${url}/api/v1/runs/toy-2/points`, { method: 'POST', headers, body })
      expect(sent.ok).toBe(true)
    }
    const file = join(await tempFolder(), 'toy.jsonl')
    const child = spawn(process.execPath, [NORMWATCH, 'export', 'toy-2', '--output', file], {
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], ...environment },
    })
    const ended = once(child, 'close')
    await vi.waitFor(() => expect(existsSync(file)).toBe(true), { timeout: 60_000, interval: 1 })
    child.kill('SIGINT')
    const [code] = await ended
    if (code === 0) expect(readFileSync(file, 'utf8').match(/\n/g)).toHaveLength(100_000)
    else expect({ code, isLeft: existsSync(file) }).toEqual({ code: 1, isLeft: false })
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

  it('shows a run, compares two and looks around a step', async () => {
    const { environment } = await startWithRuns()
    const show = (await normwatch(['show', 'toy-2'], environment)).stdout
    expect(show).toMatch(/^toy-2: toy-2 at lr 0\.1\nproject +toys\nhealth +flagged, running\n/)
    expect(show).toMatch(/\nnorm {2}[▁▂▃▄▅▆▇█]{20,60}\n {6}\^{20,60}\n/)
    expect(show).toMatch(/\nwarning: clip_saturated since step \d+, open\n/)
    const compared = await normwatch(['compare', 'toy', 'toy-2'], environment)
    expect(compared.stdout).toMatch(/^ +toy +toy-2\nfinal loss +1\.\d+ +1\.\d+\n/)
    expect(compared.stdout).toMatch(/\nclipped +0 % +100 %\n/)
    const around = await normwatch(['snapshot', 'toy', '--around', '300', '--json'], environment)
    const snapshot = JSON.parse(around.stdout) as { metrics: { metric: string; at: number }[] }
    expect(snapshot.metrics.find(({ metric }) => metric === 'loss')).toEqual({
      metric: 'loss',
      before: expect.closeTo(2 - 289.5 / 600, 9) as number,
      at: 1.5,
      after: expect.closeTo(2 - 310.5 / 600, 9) as number,
    })
    expect(await normwatch(['show', 'none'], environment)).toMatchObject({ code: 1, stdout: '' })
    expect(await normwatch(['export', 'toy', '--metric', 'lr', 'odd'], environment)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'toy has no metric "odd".\n',
    })
    const lines = (await normwatch(['export', 'toy', '--format', 'csv'], environment)).stdout.split('\n')
    expect(lines).toHaveLength(602)
  })

  it('watches: returns when a finding opens, when the run ends, and when the time is over', async () => {
    const { url, environment } = await startWithRuns()
    const send = (method: string, path: string, body: object) =>
      fetch(`${url}/api/v1/runs/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    expect(await normwatch(['watch', 'toy'], environment)).toMatchObject({ code: 0 })
    expect(await normwatch(['watch', 'toy-2', '--timeout', '1s'], environment)).toMatchObject({ code: 124 })
    await send('PUT', 'new', { clip: { mode: 'norm', max_norm: 1 } })
    const found = normwatch(['watch', 'new', '--json'], environment)
    let isOver = false
    void found.then(() => (isOver = true))
    for (let step = 0; !isOver && step < 1_000; step++) {
      await send('POST', 'new/points', {
        points: [{ step, grad_norm: step > 300 && step % 50 === 0 ? 'NaN' : 0.5 }],
      })
      if (step > 300) await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(await found).toMatchObject({
      code: 10,
      stdout: expect.stringContaining('"why":"finding"') as string,
    })
    await send('PATCH', 'new', { status: 'failed' })
    expect(await normwatch(['watch', 'new', '--until', 'end'], environment)).toMatchObject({ code: 11 })
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
