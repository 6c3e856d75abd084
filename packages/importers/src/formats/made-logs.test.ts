import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { madeBytes } from '../../test/made-logs.ts'
import { inChunks } from '../../test/recorded-logs.ts'
import { LogRefused, readLog, readLogs, type ImportedRun } from '../index.ts'
import { joinFiles } from '../sending/found-log.ts'

/** The only run that files hold, each under the path where its tool puts it. */
async function runIn(files: Readonly<Record<string, string>>): Promise<ImportedRun> {
  const runs = await readLogs(
    Object.entries(files).map(([path, name]) => ({ path, chunks: () => inChunks(madeBytes(name), 1000) })),
  )
  expect(runs).toHaveLength(1)
  return runs[0] as ImportedRun
}

function column(run: ImportedRun, name: string): number[] {
  const metric = run.points.metrics.get(name)
  return [...(metric?.values ?? [])].filter((_, i) => metric?.present?.[i] !== 0)
}

const STEPS = Array.from({ length: 40 }, (_, step) => step)
const NORMS = STEPS.map((step) => (step === 20 ? NaN : 0.5 + step / 10))
const LOSSES = STEPS.map((step) => 2 / (step + 1))
const clip = { mode: 'norm', max_norm: 1 }

describe('SwanLab', () => {
  it('gives each scalar of a run, NaN too, with the time and the name of the run', async () => {
    const run = await runIn({ 'swanlog/run-1-p81r19yi/run-p81r19yi.swanlab': 'run.swanlab.gz' })
    expect([run.format, run.name]).toEqual(['swanlab', 'clip-1'])
    expect([...run.points.step]).toEqual(STEPS)
    expect(column(run, 'grad_norm')).toEqual(NORMS)
    expect(column(run, 'loss')).toEqual(LOSSES)
    expect(column(run, 'eval/loss')).toEqual([3, 3, 3, 3])
    expect(run.points.time.every((time) => time > 1.7e9 && time < 1e11)).toBe(true)
  })

  it('has its cap in files/config.yaml beside it, where each setting has its value below it', async () => {
    const yaml = 'lr:\n  desc: ""\n  value: 0.001\nmax_grad_norm:\n  desc: ""\n  sort: 1\n  value: 1.0\n'
    const [run] = await readLog(inChunks(madeBytes('run.swanlab.gz'), 1000), 'run-a.swanlab', {
      beside: (path) =>
        Promise.resolve(path === 'files/config.yaml' ? new TextEncoder().encode(yaml) : undefined),
    })
    expect(run).toMatchObject({ clip, capFoundIn: 'max_grad_norm in files/config.yaml' })
  })

  it('gives what is whole of a run that was killed', async () => {
    const bytes = madeBytes('run.swanlab.gz')
    const [run] = await readLog(inChunks(bytes.subarray(0, bytes.length - 2500), 100), 'x.swanlab')
    const steps = run?.points.step ?? []
    expect(steps.length).toBeGreaterThan(5)
    expect(steps.length).toBeLessThan(40)
  })
})

describe('Aim', () => {
  const place = (kind: string, file: string): string => `.aim/${kind}/chunks/4cd20c2c407348e8b602a4f3/${file}`

  it('reads the tables of a run that was closed: contexts, attributes, the cap among them, NaN', async () => {
    const run = await runIn({
      [place('meta', '000009.sst')]: 'aim-finished-meta.sst.gz',
      [place('seqs', '000009.sst')]: 'aim-finished-seqs.sst.gz',
    })
    expect(run).toMatchObject({
      format: 'aim',
      name: 'aim 4cd20c2c',
      norm: 'train/grad_norm',
      clip,
      capFoundIn: 'max_grad_norm in the run’s attributes',
      config: { hparams: { lr: 0.001, optim: { name: 'adamw' } } },
    })
    expect([...run.points.step]).toEqual(STEPS)
    expect(column(run, 'grad_norm')).toEqual(NORMS)
    expect(column(run, 'loss')).toEqual(LOSSES)
    expect(column(run, 'val/loss')).toEqual([3, 3, 3, 3])
    expect(run.points.time.every((time) => time > 1.7e9)).toBe(true)
  })

  it('reads the log that RocksDB keeps of a run which is still written', async () => {
    const run = await runIn({
      [place('meta', '000005.log')]: 'aim-running-meta.log.gz',
      [place('seqs', '000005.log')]: 'aim-running-seqs.log.gz',
    })
    expect([...run.points.step]).toEqual([0, 10, 20])
    expect(column(run, 'grad_norm')).toEqual([2, Infinity, 2])
  })

  it('refuses a table that is cut off', async () => {
    const whole = madeBytes('aim-finished-seqs.sst.gz')
    const cut = readLog(inChunks(whole.subarray(0, 20_000), 1000), place('seqs', '000009.sst'))
    await expect(cut).rejects.toThrow('cut off')
  })

  it('reads what is said of a run before its readings, in whatever order the files are given', () => {
    const files = ['seqs', 'meta'].map((kind) => ({
      path: place(kind, '000009.sst'),
      format: 'aim',
      size: 1,
      chunks: () => inChunks(new Uint8Array(), 1),
    }))
    const [log] = joinFiles(files, [])
    expect(log?.files.map(({ path }) => path.split('/')[1])).toEqual(['meta', 'seqs'])
  })
})

describe('Parquet', () => {
  it.each(['snappy', 'zstd', 'gzip', 'lz4', 'brotli', 'none'])(
    'gives the columns of a table compressed by %s, empty cells left out',
    async (codec) => {
      const run = await runIn({ 'metrics.parquet': `parquet/${codec}.parquet` })
      expect([...run.points.step]).toEqual(STEPS)
      expect(column(run, 'grad_norm')).toEqual(NORMS.map((norm) => Math.fround(norm)))
      expect(column(run, 'loss')).toEqual(LOSSES.filter((_, step) => step % 2 === 0))
      expect(run.points.time[3]).toBe(1_700_000_003)
    },
  )

  it('reads what Neptune’s exporter wrote: a row a reading, parameters, the run’s name', async () => {
    const run = await runIn({
      'data/team_toy-1/TOY-1_part_0.parquet': 'parquet/neptune-TOY-1_part_0.parquet',
    })
    expect(run).toMatchObject({
      name: 'clip-1',
      norm: 'train/grad_norm',
      clip,
      capFoundIn: 'max_grad_norm in the run’s parameters',
      config: { 'parameters/optim': 'adamw' },
    })
    expect([...run.points.step]).toEqual(STEPS)
    expect(column(run, 'grad_norm')).toEqual(NORMS)
    expect(column(run, 'loss')).toEqual(LOSSES)
    expect(run.points.time[39]).toBe(1_700_000_039)
  })

  it.each(['none', 'zstd', 'brotli'])(
    'refuses runs that are longer than their page, and makes no room for them: %s',
    (codec) => {
      const bytes = madeBytes(`parquet/${codec}.parquet`)
      const levelsOf16Values = bytes.indexOf(Buffer.from([2, 0, 0, 0, 16 << 1, 1]))
      bytes.set([0xfe, 0xff, 0xff, 0xff, 0x0f], levelsOf16Values + 4)
      const program = `
        import { readLog } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../index.ts')).href)}
        const bytes = async function* () { for await (const chunk of process.stdin) yield chunk }
        await readLog(bytes(), 'x.parquet').catch((error) => console.log(error.message))`
      const { stdout } = spawnSync(
        process.execPath,
        ['--max-old-space-size=100', '--input-type=module', '-e', program],
        { input: bytes },
      )
      expect(stdout.toString()).toContain('a run of 2147483647 values is longer than its page of 16')
    },
  )

  it('refuses a page with more values than its row group has rows', async () => {
    const bytes = madeBytes('parquet/none.parquet')
    const pageOf16Values = bytes.indexOf(Buffer.from([0x2c, 0x15, 16 << 1]))
    bytes[pageOf16Values + 2] = 63 << 1
    await expect(readLog(inChunks(bytes, 999), 'x.parquet')).rejects.toThrow(
      'a page says that it has 63 values, and its row group has 16 rows',
    )
  })

  it('refuses a file that is cut off or whose page lies about its size', async () => {
    const whole = madeBytes('parquet/zstd.parquet')
    for (const length of [4, 100, 2000, whole.length - 1])
      await expect(readLog(inChunks(whole.subarray(0, length), 999), 'x.parquet')).rejects.toThrow(LogRefused)
  })
})
