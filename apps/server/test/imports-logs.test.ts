import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { RunList } from '@normwatch/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesOf } from '../../../packages/importers/test/recorded-logs.ts'
import { openDatabase } from '../src/storage/sqlite/engine/database.ts'
import { NORMWATCH, normwatch } from './command-line.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

async function start() {
  const data = await tempFolder()
  const { url } = await startServer(data)
  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${url}/api/v1${path}`)).json()) as T
  const runs = async (): Promise<RunList['runs']> => (await get<RunList>('/runs?limit=200')).runs
  const environment = { NORMWATCH_URL: url, XDG_STATE_HOME: await tempFolder() }
  return { url, data, get, runs, environment, folder: await tempFolder() }
}

const line = (step: number): string => `${JSON.stringify({ step, loss: 2, grad_norm: 1 + step / 10 })}\n`
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => line(from + i)).join('')

/** `normwatch import … --follow`, until the test ends or it is stopped. */
function follow(
  args: readonly string[],
  environment: Record<string, string>,
  input: 'ignore' | 'pipe' = 'ignore',
) {
  const child = spawn(process.execPath, [NORMWATCH, 'import', ...args, '--follow'], {
    stdio: [input, 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const stop = async (): Promise<unknown> => {
    if (child.exitCode === null && child.kill('SIGINT')) await once(child, 'exit')
    return child.exitCode
  }
  return { child, stop }
}

describe('normwatch import', { timeout: 90_000 }, () => {
  it('imports a folder, says what each run is, and changes nothing the second time', async () => {
    const { runs, environment, folder } = await start()
    await mkdir(join(folder, 'a'))
    await writeFile(join(folder, 'a/trainer_state.json'), bytesOf('medbot-lora'))
    await writeFile(join(folder, 'a/args.json'), '{"max_grad_norm": 1.0}')
    await writeFile(join(folder, 'train.log.gz'), gzipSync(bytesOf('megds-gpt2-perf-dsoff')))
    await writeFile(join(folder, 'export.csv'), bytesOf('benchmarl-wandb-csv'))
    await writeFile(join(folder, 'notes.txt'), 'nothing here')
    await symlink('/etc/passwd', join(folder, 'link'))
    const args = ['import', folder, '--project', 'old', '--tag', 'imported', '--json']
    const first = JSON.parse((await normwatch(args, environment)).stdout)
    expect(first.passed.map(({ path }: { path: string }) => path.split('/').at(-1)).sort()).toEqual([
      'args.json',
      'link',
      'notes.txt',
    ])
    const found = Object.fromEntries(first.runs.map((run: { format: string }) => [run.format, run]))
    expect(found['hf-trainer-state']).toMatchObject({
      points: 642,
      capFoundIn: 'max_grad_norm in args.json',
      health: 'flagged',
    })
    expect(found['megatron']).toMatchObject({ points: 62, added: 62, clip: { mode: 'norm', max_norm: 1 } })
    const before = await runs()
    expect(before.map(({ points, project, tags, status }) => [points, project, tags, status]).sort()).toEqual(
      [256, 62, 642].map((points) => [points, 'old', ['imported'], 'finished']),
    )
    expect(before.find(({ points }) => points === 256)?.parts).toHaveLength(6)
    const again = JSON.parse((await normwatch(args, environment)).stdout)
    expect(again.runs.map(({ added }: { added: number }) => added)).toEqual([0, 0, 0])
    const still = (list: RunList['runs']) => list.map(({ updated_at: _, ...run }) => run)
    expect(still(await runs())).toEqual(still(before))
  })

  it('adds what is new of a log that grew', async () => {
    const { runs, environment, folder } = await start()
    const log = join(folder, 'metrics.jsonl')
    await writeFile(log, lines(0, 50))
    await normwatch(['import', log], environment)
    await appendFile(log, lines(50, 80))
    const {
      runs: [run],
    } = JSON.parse((await normwatch(['import', log, '--json'], environment)).stdout)
    expect(run).toMatchObject({ points: 80, added: 30 })
    expect(await runs()).toMatchObject([{ points: 80, last_step: 79 }])
  })

  it('refuses broken files with the place, imports the others, and leaves nothing of the broken', async () => {
    const { runs, environment, folder } = await start()
    const broken: Record<string, Buffer> = {
      'cut.jsonl.gz': gzipSync(lines(0, 20_000)).subarray(0, 40_000),
      'nul.jsonl': Buffer.from(lines(0, 5) + '\0' + lines(5, 9)),
      'latin.jsonl': Buffer.from(`${lines(0, 5)}caf\u00e9\n${lines(5, 9)}`, 'latin1'),
    }
    for (const [name, bytes] of Object.entries(broken)) await writeFile(join(folder, name), bytes)
    await writeFile(join(folder, 'good.jsonl'), lines(0, 30))
    await writeFile(join(folder, 'deep.jsonl'), `${'['.repeat(10_000)}\n`)
    await once(spawn('mkfifo', [join(folder, 'pipe')]), 'exit')
    const { code, stdout } = await normwatch(['import', folder, '--json'], environment)
    expect(code).toBe(0)
    const { passed } = JSON.parse(stdout) as { passed: { path: string; reason: string }[] }
    const reasons = Object.fromEntries(passed.map(({ path, reason }) => [path.split('/').at(-1), reason]))
    expect(reasons['cut.jsonl.gz']).toContain('cut off after')
    expect(reasons['nul.jsonl']).toMatch(/Byte \d+ is NUL/)
    expect(reasons['latin.jsonl']).toMatch(/Near byte \d+ the text is not UTF-8/)
    expect(reasons['pipe']).toContain('pipe')
    expect(reasons['deep.jsonl']).toBeDefined()
    expect(await runs()).toMatchObject([{ points: 30 }])
  })

  it('fails where a file that was named is not imported, or nothing is', async () => {
    const { environment, folder } = await start()
    await mkdir(join(folder, 'empty'))
    await writeFile(join(folder, 'odd.txt'), 'nothing to see\n'.repeat(50))
    await writeFile(join(folder, 'good.jsonl'), lines(0, 30))
    const codeOf = async (...names: string[]) =>
      (await normwatch(['import', ...names.map((name) => join(folder, name))], environment)).code
    expect(await codeOf('odd.txt')).toBe(1)
    expect(await codeOf('good.jsonl', 'odd.txt')).toBe(1)
    expect(await codeOf('empty')).toBe(1)
    expect(await codeOf('.')).toBe(0)
  })

  it('sends a long log while it is read: resumes, caps that stand further on, and nothing of one that is broken', async () => {
    const { get, runs, environment, folder } = await start()
    const cap = `${JSON.stringify({ max_grad_norm: 2.5 })}\n`
    await writeFile(join(folder, 'long.jsonl'), `${lines(0, 90_000)}${cap}${lines(80_000, 100_000)}`)
    await writeFile(join(folder, 'broken.jsonl'), `${lines(0, 90_000)}\0${lines(90_000, 90_010)}`)
    const args = ['import', folder, '--json']
    const first = JSON.parse((await normwatch(args, environment)).stdout)
    expect(first.passed).toMatchObject([{ reason: expect.stringMatching(/Byte \d+ is NUL/) }])
    expect(first.runs).toMatchObject([
      { capFoundIn: 'max_grad_norm in the log', nonfinite: { grad_norm: 0 } },
    ])
    const whole = { points: 100_000, last_step: 99_999, status: 'finished' }
    expect(await runs()).toMatchObject([{ ...whole, clip: { mode: 'norm', max_norm: 2.5 } }])
    const [run] = await runs()
    expect(await get(`/runs/${run?.id}/events`)).toMatchObject({ events: [{ step: 80_000 }] })
    await normwatch(args, environment)
    expect(await runs()).toMatchObject([whole])
  })

  it('sends of a long log only what the server does not have', async () => {
    const { runs, environment, folder } = await start()
    const log = join(folder, 'long.jsonl')
    const added = async (): Promise<number> => {
      const { stdout } = await normwatch(['import', log, '--json'], environment)
      return (JSON.parse(stdout) as { runs: { added: number }[] }).runs[0]?.added ?? NaN
    }
    await writeFile(log, lines(0, 90_000))
    expect([await added(), await added()]).toEqual([90_000, 0])
    await appendFile(log, lines(90_000, 90_010))
    expect(await added()).toBe(10)
    expect(await runs()).toMatchObject([{ points: 90_010, last_step: 90_009, status: 'finished' }])
    // another training in the same place
    await writeFile(log, lines(0, 10) + lines(20, 90_020))
    await added()
    expect(await runs()).toMatchObject([{ points: 90_020, last_step: 90_019 }])
  })

  it('leaves nothing of a long log that is broken further on, also with a token that may not remove runs', async () => {
    const { url, data, environment, folder } = await start()
    const made = async (scope: string): Promise<string> => {
      const { stdout } = await normwatch(['token', 'create', '--scope', scope, '--data', data])
      return /nw_\S+/.exec(stdout)?.[0] as string
    }
    const [token, reader] = [await made('write'), await made('read')]
    await writeFile(join(folder, 'broken.jsonl'), `${lines(0, 90_000)}\0${lines(90_000, 90_010)}`)
    const { stdout } = await normwatch(['import', folder, '--json'], {
      ...environment,
      NORMWATCH_TOKEN: token,
    })
    expect(JSON.parse(stdout)).toMatchObject({
      runs: [],
      passed: [{ reason: expect.stringMatching(/Byte \d+ is NUL/) }],
    })
    const list = await fetch(`${url}/api/v1/runs`, { headers: { authorization: `Bearer ${reader}` } })
    expect(await list.json()).toMatchObject({ runs: [] })
  })

  it('reads the SQLite stores of MLflow and trackio, and says what another or a broken one is', async () => {
    const { runs, environment, folder } = await start()
    const stored = async (name: string) =>
      gunzipSync(await readFile(join(import.meta.dirname, `fixtures/${name}.gz`)))
    const mlflow = await stored('mlflow.db')
    await writeFile(join(folder, 'mlflow.db'), mlflow)
    await writeFile(join(folder, 'toy.db'), await stored('trackio.db'))
    await writeFile(join(folder, 'broken.db'), mlflow.subarray(0, 20_000))
    const other = openDatabase(join(folder, 'other.db'))
    other.exec('CREATE TABLE t (a)')
    other.close()
    const args = ['import', folder, '--json']
    const { runs: imported, passed } = JSON.parse((await normwatch(args, environment)).stdout)
    const known = Object.fromEntries(
      imported.map((run: { name: string; path: string }) => [
        `${run.path.split('/').at(-1)} ${run.name}`,
        run,
      ]),
    )
    const clip = { mode: 'norm', max_norm: 1 }
    expect(known).toMatchObject({
      'mlflow.db clip-1': {
        points: 12,
        clip,
        capFoundIn: 'max_grad_norm in the run’s params',
        nonfinite: { grad_norm: 1, loss: 0 },
        config: { lr: '0.001' },
      },
      // MLflow stores infinity as the largest number
      'mlflow.db inf': { points: 3, firstStep: 0, lastStep: 20, nonfinite: { grad_norm: 1, loss: 0 } },
      'toy.db clip-1': { points: 12, clip, nonfinite: { grad_norm: 1, loss: 0 } },
    })
    // the deleted one is not among them
    expect(imported).toHaveLength(3)
    const reasons = Object.fromEntries(
      passed.map(({ path, reason }: { path: string; reason: string }) => [path.split('/').at(-1), reason]),
    )
    expect(reasons['broken.db']).toContain('SQLite cannot read the file')
    expect(reasons['other.db']).toContain('no store of MLflow or trackio')
    expect((await runs()).map(({ points }) => points).sort()).toEqual([12, 12, 3])
    const again = JSON.parse((await normwatch(args, environment)).stdout)
    expect(again.runs.map(({ added }: { added: number }) => added)).toEqual([0, 0, 0])
  })

  it('lists the formats, and tells wrong use', async () => {
    const listed = await normwatch(['import', '--format', 'list'])
    expect(listed.stdout).toMatch(/^hf-trainer-state +Hugging Face/m)
    expect(await normwatch(['import'])).toMatchObject({ code: 2 })
    expect(await normwatch(['import', 'x', '--max-norm', '0'])).toMatchObject({ code: 2 })
    expect(await normwatch(['import', '/does/not/exist'])).toMatchObject({
      code: 2,
      stderr: '/does/not/exist does not exist.\n',
    })
  })
})

describe('normwatch import --follow', { timeout: 90_000 }, () => {
  it('sends every line once while a log grows, is rotated, is cut, and after Ctrl-C and again', async () => {
    const { runs, environment, folder } = await start()
    const log = join(folder, 'train.jsonl')
    const stepsOf = () =>
      expect.poll(async () => (await runs()).map(({ points, last_step }) => [points, last_step]))
    await writeFile(log, lines(0, 10))
    const first = follow([folder], environment)
    await stepsOf().toEqual([[10, 9]])
    const at = performance.now()
    await appendFile(log, lines(10, 20))
    await stepsOf().toEqual([[20, 19]])
    expect(performance.now() - at).toBeLessThan(5_000)
    // half a line is not a line
    await appendFile(log, line(20).slice(0, 8))
    await rename(log, `${log}.1`)
    await writeFile(log, lines(21, 30))
    await stepsOf().toEqual([[29, 29]])
    await writeFile(log, lines(30, 31))
    await stepsOf().toEqual([[30, 30]])
    expect(await first.stop()).toBe(0)
    await writeFile(log, lines(0, 40))
    const second = follow([log], environment)
    await stepsOf().toEqual([[40, 39]])
    expect(await second.stop()).toBe(0)
  })

  it('finds a log that is made later, and follows one that is rewritten', async () => {
    const { runs, environment, folder } = await start()
    const { stop } = follow([join(folder, 'out')], environment)
    const state = (steps: number): string =>
      JSON.stringify({
        log_history: Array.from({ length: steps }, (_, step) => ({ step, loss: 1, grad_norm: 2 })),
      })
    await mkdir(join(folder, 'out'))
    await writeFile(join(folder, 'out/trainer_state.json'), state(3))
    await expect.poll(async () => (await runs()).map(({ points }) => points)).toEqual([3])
    await writeFile(join(folder, 'out/trainer_state.json'), state(7))
    await expect
      .poll(async () => (await runs()).map(({ points, status }) => [points, status]))
      .toEqual([[7, 'running']])
    expect(await stop()).toBe(0)
  })

  it('drops what a resumed training lost, and marks the place', async () => {
    const { get, runs, environment, folder } = await start()
    const log = join(folder, 'train.jsonl')
    await writeFile(log, lines(0, 100))
    const { stop } = follow([log], environment)
    await expect.poll(async () => (await runs())[0]?.points).toBe(100)
    await appendFile(log, `${JSON.stringify({ step: 50, loss: 9, grad_norm: 7 })}\n`)
    await expect.poll(async () => (await runs())[0]?.points).toBe(51)
    const [run] = await runs()
    expect(run?.latest['grad_norm']).toBe(7)
    const { events } = await get<{ events: { step: number }[] }>(`/runs/${run?.id}/events`)
    expect(events).toMatchObject([{ step: 50 }])
    expect(await stop()).toBe(0)
  })

  it('passes on what is piped through it', async () => {
    const { runs, environment } = await start()
    const { child } = follow(['-'], environment, 'pipe')
    let said = ''
    child.stdout?.on('data', (text) => (said += String(text)))
    child.stdin?.write(lines(0, 5))
    await expect.poll(async () => (await runs())[0]?.points).toBe(5)
    child.stdin?.end(lines(5, 9))
    await once(child, 'close')
    expect(said.startsWith(lines(0, 9))).toBe(true)
    expect(await runs()).toMatchObject([{ points: 9, status: 'finished' }])
  })
})
