import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sync } from '../src/index.ts'
import { runProgram, SDK } from './run-program.ts'
import { startSdk } from './start.ts'

const LOGS_TEN = `
  const { init } = await import(${SDK})
  const run = init({ id: 'toy' })
  for (let i = 0; i < 10; i++) run.log({ loss: i })`

describe('a process that', { timeout: 60_000 }, () => {
  it('trains in several threads while the server is away keeps one file for each run', async () => {
    const sdk = await startSdk()
    sdk.server.misbehave = () => 'hang up'
    const worker = `
      const { workerData, parentPort } = require('node:worker_threads')
      import(${SDK}).then(async ({ init }) => {
        const run = init({ id: workerData })
        for (let i = 0; i < 20; i++) {
          run.log({ loss: i })
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        parentPort.postMessage(await run.finish({ timeoutMs: 500 }))
      })`
    const program = `
      import { Worker } from 'node:worker_threads'
      const train = (id) => new Promise((resolve) =>
        new Worker(${JSON.stringify(worker)}, { eval: true, execArgv: [], workerData: id }).on('message', resolve))
      const later = (id) => new Promise((resolve) => setTimeout(() => resolve(train(id)), 800))
      console.log(JSON.stringify(await Promise.all([train('a'), later('b')])))`
    const { stdout } = await runProgram(program, sdk)
    const reports = JSON.parse(stdout) as { unsent: number; spool: string }[]
    expect(reports.map(({ unsent }) => unsent)).toEqual([20, 20])
    expect(reports.map(({ spool }) => basename(spool)).sort()).toEqual((await readdir(sdk.spoolDir)).sort())
    sdk.server.misbehave = () => undefined
    expect(await sync({ spoolDir: sdk.spoolDir })).toEqual({ sent: 40, refused: 0, filesLeft: [] })
  })

  it('has loaded two copies of the SDK ends by Ctrl-C, and both finish their runs', async () => {
    const sdk = await startSdk()
    const copy = JSON.stringify(`file://${JSON.parse(SDK) as string}?copy`)
    const program = `
      for (const [id, sdk] of [['a', ${SDK}], ['b', ${copy}]]) (await import(sdk)).init({ id }).log({ loss: 1 })
      console.log('ready')
      setInterval(() => {}, 1000)`
    const onOutput = (child: { kill(signal: NodeJS.Signals): unknown }) => child.kill('SIGINT')
    expect(await runProgram(program, sdk, { onOutput })).toMatchObject({ code: null, signal: 'SIGINT' })
    for (const id of ['a', 'b']) {
      expect(sdk.server.steps(id)).toHaveLength(1)
      expect(sdk.server.runs.get(id)?.at(-1)).toEqual({ status: 'failed' })
    }
  })

  it('logs in a listener of its exit, after the run has left, is told that this is not kept', async () => {
    const sdk = await startSdk()
    const program = `${LOGS_TEN}
      process.on('exit', () => { run.log({ loss: 10 }); run.event('bye') })
      process.exit(0)`
    const { stderr } = await runProgram(program, sdk)
    expect(sdk.server.steps('toy')).toHaveLength(10)
    expect(stderr).toContain('log: run toy is finished; its readings are not kept')
  })

  it.each(['await run.finish()', 'process.exit(0)'])(
    'can start no thread, as it may open no more files, sends or keeps everything: %s',
    async (end) => {
      const sdk = await startSdk()
      await runProgram(`${LOGS_TEN}\n${end}`, sdk, { shell: 'ulimit -n 25; "$@"' })
      await sync({ spoolDir: sdk.spoolDir })
      expect(sdk.server.steps('toy')).toHaveLength(10)
      expect(sdk.server.runs.get('toy')?.at(-1)).toEqual({ status: 'finished' })
    },
  )

  it('has its stderr on a full disk is not ended by our warnings', async () => {
    const sdk = await startSdk()
    const program = `${LOGS_TEN}
      for (const name of ['a', 'b', 'c']) {
        run.log({ [name]: 'not a number' })
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await run.finish()`
    expect(await runProgram(program, sdk, { shell: '"$@" 2>/dev/full' })).toMatchObject({ code: 0 })
    expect(sdk.server.steps('toy')).toHaveLength(13)
  })
})

describe('the spool', { timeout: 60_000 }, () => {
  it.each([
    ['lies below a file', 'file/spool'],
    ['is a link that leads nowhere', 'link'],
    ['may not be created', '/proc/spool'],
  ])('is in the temporary folder if its folder %s, and a sync finds it there', async (_why, path) => {
    const sdk = await startSdk()
    sdk.server.misbehave = () => 'hang up'
    const folder = join(sdk.spoolDir, '..')
    await writeFile(join(folder, 'file'), 'not a folder')
    await symlink(join(folder, 'gone'), join(folder, 'link'))
    const temporary = join(folder, 'tmp')
    await mkdir(temporary)
    const env = { NORMWATCH_SPOOL: resolve(folder, path), TMPDIR: temporary }
    const report = `console.log(JSON.stringify(await run.finish({ timeoutMs: 300 })))`
    const { stdout, stderr } = await runProgram(`${LOGS_TEN}\n${report}`, sdk, { env })
    const { unsent, lost, spool } = JSON.parse(stdout) as { unsent: number; lost: number; spool: string }
    expect([unsent, lost]).toEqual([10, 0])
    expect(spool.startsWith(`${temporary}/normwatch-${process.getuid?.()}/spool-`)).toBe(true)
    expect(stderr).toContain(`they are kept in ${spool}`)
    sdk.server.misbehave = () => undefined
    const synced = await runProgram(`console.log(JSON.stringify(await (await import(${SDK})).sync()))`, sdk, {
      env,
    })
    expect(JSON.parse(synced.stdout)).toEqual({ sent: 10, refused: 0, filesLeft: [] })
    expect(sdk.server.steps('toy')).toHaveLength(10)
  })

  it('stays where it is if its path is relative and the program changes its working folder', async () => {
    const sdk = await startSdk()
    const folder = join(sdk.spoolDir, '..')
    await mkdir(join(folder, 'elsewhere'))
    const program = `${LOGS_TEN}
      await run.flush({ timeoutMs: 0 })
      process.chdir('elsewhere')
      for (let i = 10; i < 20; i++) run.log({ loss: i })
      console.log((await run.finish({ timeoutMs: 300 })).unsent)`
    const env = { NORMWATCH_SPOOL: 'spool', NORMWATCH_MODE: 'offline' }
    expect(await runProgram(program, sdk, { env, cwd: folder })).toMatchObject({ stdout: '20\n' })
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([])
    expect(await sync({ spoolDir: sdk.spoolDir })).toMatchObject({ sent: 20 })
  })

  it('is below the home folder if its path begins with ~', async () => {
    const sdk = await startSdk()
    const home = join(sdk.spoolDir, '..')
    const env = { NORMWATCH_SPOOL: '~/kept', NORMWATCH_MODE: 'offline', HOME: home }
    await runProgram(LOGS_TEN, sdk, { env, cwd: home })
    const [file = ''] = await readdir(join(home, 'kept'))
    expect(await readFile(join(home, 'kept', file), 'utf8')).toContain('"loss"')
  })

  it('is in the temporary folder if there is no home folder', async () => {
    const sdk = await startSdk()
    const temporary = join(sdk.spoolDir, '../tmp')
    await mkdir(temporary)
    onTestFinished(() => rm(temporary, { recursive: true, force: true }))
    const env = { NORMWATCH_SPOOL: '', NORMWATCH_MODE: 'offline', HOME: '', TMPDIR: temporary }
    const { stderr } = await runProgram(LOGS_TEN, sdk, { env, cwd: tmpdir() })
    expect(stderr).toContain(`recorded offline in ${temporary}/normwatch-`)
  })
})
