import { describe, expect, it } from 'vitest'
import { bytesOf, inChunks, metaOf, recordedNames, recordedRun, recordedRuns } from '../test/recorded-logs.ts'
import { readLogText, UnknownFormat, type ImportedRun, type ReadLogOptions } from './index.ts'
import { recogniseStream } from './read-log.ts'
import { ChunkedLog } from './streams/log-stream.ts'

/** The only run that a text holds. */
async function importLog(text: string, name: string, options?: ReadLogOptions): Promise<ImportedRun> {
  const runs = await readLogText(text, name, options)
  expect(runs).toHaveLength(1)
  return runs[0] as ImportedRun
}

/** The readings of a metric, steps without one left out. */
function column(run: ImportedRun, name: string): number[] {
  const metric = run.points.metrics.get(name)
  if (metric === undefined) return []
  const { values, present } = metric
  return [...values].filter((_, i) => present === null || present[i] === 1)
}

const FORMATS: Readonly<Record<string, string>> = {
  'bigscience104b-divergence': 'megatron',
  'bigscience13b-zero-norm-artifact': 'megatron',
  'bloom176b-spike': 'megatron',
  'dfine-mmdet': 'json-lines',
  'llmc-gpt2-124m': 'llmc',
  'medqa-lora-llama1b': 'json-lines',
  'megatron-gpt2-base-n4': 'megatron',
  'megatron-gpt2-base-n8': 'megatron',
  'megds-gpt2-perf-dsoff': 'megatron',
  'mistral7b-lora-translator': 'hf-trainer-state',
  'openpi-finetune-a': 'json-lines',
  'openpi-finetune-b': 'json-lines',
  'swin-tiny-imagenet': 'swin',
}
/** Logs whose norms are not simply all of those printed; what differs is tested below. */
const PARTIAL = new Set([
  'bigscience104b-divergence',
  'bigscience13b-zero-norm-artifact',
  'bloom176b-spike',
  'dfine-mmdet',
  'swin-tiny-imagenet',
])

describe('recorded logs', () => {
  it.each(recordedNames)('knows the format of %s', async (name) => {
    const stream = new ChunkedLog(metaOf(name).file, inChunks(bytesOf(name), 65_536))
    expect((await recogniseStream(stream)).name).toBe(FORMATS[name] ?? 'verl')
  })

  it.each(recordedNames.filter((name) => !PARTIAL.has(name)))('reads every norm of %s', (name) => {
    const { stats } = metaOf(name)
    const run = recordedRun(name)
    const norms = column(run, 'grad_norm')
    expect(norms).toHaveLength(stats.points)
    expect(Math.max(...norms)).toBeCloseTo(stats.max_norm_seen, 3)
    expect(run.points.step.at(-1)).toBe(stats.step_last)
    expect(column(run, 'loss').length).toBeGreaterThanOrEqual(stats.points)
  })

  it.each(recordedNames)('gives ascending steps for %s', (name) => {
    const { step } = recordedRun(name).points
    expect([...step].every((value, i) => i === 0 || value > (step[i - 1] as number))).toBe(true)
  })

  it('makes a run of each attempt that began at the start again', async () => {
    const dfine = recordedRun('dfine-mmdet')
    expect([dfine.points.step[0], dfine.points.step.at(-1)]).toEqual([1, 1500])
    const runs = await recordedRuns('dfine-mmdet')
    expect(runs).toHaveLength(1 + 5)
    expect(runs.reduce((sum, { rows }) => sum + rows, 0)).toBe(metaOf('dfine-mmdet').stats.points)
    expect(column(recordedRun('swin-tiny-imagenet'), 'grad_norm')).toHaveLength(18)
  })

  it('leaves out norms that Megatron prints without having them', async () => {
    const zeros = recordedRun('bigscience13b-zero-norm-artifact')
    expect(column(zeros, 'grad_norm')).toEqual([17224.723])
    expect(column(zeros, 'loss')).toHaveLength(10)
    const repeated = recordedRun('bigscience104b-divergence')
    expect([repeated.points.step.length, column(repeated, 'grad_norm').length]).toEqual([19, 18])
  })

  it('joins the lines that were wrapped in a diary', async () => {
    const { points } = recordedRun('bloom176b-spike')
    const row = points.step.indexOf(42_780)
    expect(points.metrics.get('grad_norm')?.values[row]).toBe(0.15)
    expect(points.step).toHaveLength(18)
  })

  it.each([
    ['megatron-gpt2-base-n4', { mode: 'norm', max_norm: 1 }],
    ['swin-tiny-imagenet', { mode: 'norm', max_norm: 5 }],
  ])('reads the cap that %s prints', (name, clip) => {
    expect(recordedRun(name).clip).toEqual(clip)
  })

  it('reads a checkpoint of a run as the beginning of it', async () => {
    const name = 'mistral7b-lora-translator'
    const whole = column(recordedRun(name), 'grad_norm')
    const [run] = await recordedRuns(name, 'checkpoint-4000.trainer_state.json')
    const checkpoint = column(run as ImportedRun, 'grad_norm')
    expect(checkpoint).toHaveLength(400)
    expect(checkpoint).toEqual(whole.slice(0, 400))
  })
})

describe('quirks', () => {
  it('reads bare NaN and Infinity, and numbers written as strings', async () => {
    const run = await importLog(
      '{"step": 1, "loss": NaN, "grad_norm": Infinity}\n{"num_updates": "2", "loss": "0.5", "gnorm": "1.5"}',
      'x',
    )
    expect(column(run, 'loss')).toEqual([NaN, 0.5])
    expect(column(run, 'grad_norm')).toEqual([Infinity, 1.5])
  })

  it('takes the training step of a W&B export, not its row number', async () => {
    const run = await importLog(
      '{"_step": 7, "train/global_step": 70, "train/grad_norm": 2, "_timestamp": 1700000000.5}',
      'x',
    )
    expect([run.points.step[0], run.points.time[0]]).toEqual([70, 1_700_000_000.5])
  })

  it('says where the step is the one that the tracker counted', async () => {
    const run = await importLog('{"_step": 7, "train/grad_norm": 2}', 'x')
    expect([run.points.step[0], run.notes.join(' ')]).toEqual([
      7,
      'The run logged no training step of its own: the step that its tracker counted stands in for it.',
    ])
  })

  it('does not take the length of an iteration for a time', async () => {
    const run = await importLog('{"step": 1, "grad_norm": 2, "time": 1.01}', 'x')
    expect(run.points.time[0]).toBeNaN()
  })

  it('reads the actor and the critic of verl through colours and NumPy as parts of one run', async () => {
    const line =
      '\u001b[36m(main pid=1)\u001b[0m step:3 - actor/grad_norm:np.float64(0.4) - critic/grad_norm:9.0 - actor/lr:1e-06'
    const run = await importLog(line, 'x')
    expect([column(run, 'grad_norm/actor'), column(run, 'grad_norm/critic'), column(run, 'lr')]).toEqual([
      [0.4],
      [9],
      [1e-6],
    ])
  })

  it('takes the value, not the running average, and counts batches over epochs', async () => {
    const line = (epoch: number, batch: number): string =>
      `[2024-02-27 18:28:51 net] INFO Train: [${epoch}/300][${batch}/100]\teta 0:01 lr 0.1\t loss 2.5 (7.0)\tgrad_norm inf (3.0)\tmem 1MB`
    const run = await importLog(`${line(0, 90)}\n${line(1, 10)}`, 'x')
    expect([...run.points.step]).toEqual([90, 110])
    expect([column(run, 'loss'), column(run, 'grad_norm')]).toEqual([
      [2.5, 2.5],
      [Infinity, Infinity],
    ])
    expect(run.points.time[0]).toBe(Date.UTC(2024, 1, 27, 18, 28, 51) / 1000)
  })

  it('reports a NaN loss that Megatron only counts, and a skipped entry', async () => {
    const line =
      ' iteration 10/ 100 | learning rate: 1.0E-4 | loss scale: 1.0 | number of skipped iterations: 10 | number of nan iterations: 3 |'
    const run = await importLog(line, 'x')
    expect([column(run, 'loss'), column(run, 'skipped')]).toEqual([[NaN], [1]])
  })

  it('numbers the lines of the HF console, which do not say their step', async () => {
    const run = await importLog(
      "x\n{'loss': 2.5, 'grad_norm': nan, 'learning_rate': 5e-07, 'epoch': 0.01}\n{'eval_loss': 1.0}\n",
      'x',
    )
    expect([...run.points.step]).toEqual([1])
    expect([column(run, 'loss'), column(run, 'grad_norm'), column(run, 'lr')]).toEqual([[2.5], [NaN], [5e-7]])
  })

  it('reads the JSON that fairseq writes behind a prefix', async () => {
    const line =
      '2024-01-01 | INFO | train_inner | {"epoch": 1, "update": 0.1, "loss": "9.5", "gnorm": "2.5", "clip": "0", "num_updates": "100"}'
    const run = await importLog(`2024-01-01 | INFO | fairseq_cli.train | starts\n${line}`, 'x')
    expect([[...run.points.step], column(run, 'grad_norm')]).toEqual([[100], [2.5]])
  })

  it('says when a log has no norms', async () => {
    const run = await importLog('{"current_steps": 1, "loss": 2.5, "lr": 1e-4}', 'x')
    expect(run.notes).toContain('This log has no gradient norms.')
  })

  it('only sorts excerpts that repeat nothing', async () => {
    const run = await importLog('s:10 trl:1\ns:11 trl:1\ns:3 trl:2\ns:4 trl:2', 'x')
    expect([...run.points.step]).toEqual([3, 4, 10, 11])
  })

  it('refuses what it does not know', async () => {
    await expect(readLogText('hello', 'x')).rejects.toThrow(UnknownFormat)
    await expect(readLogText('{"step": 1}', 'x', { format: 'csv' })).rejects.toThrow(
      'No format is called csv',
    )
  })
})
