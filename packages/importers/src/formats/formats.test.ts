import { describe, expect, it } from 'vitest'
import { formats } from './index.ts'
import { madeLines } from '../../test/made-lines.ts'
import { inChunks } from '../../test/recorded-logs.ts'
import { maskedCrc } from './tensorboard/masked-crc.ts'
import { readLog, readLogs, readLogText, type ImportedRun } from '../index.ts'

function readings({ points }: ImportedRun, name: string): number[] {
  const metric = points.metrics.get(name)
  return [...(metric?.values ?? [])].filter((_, i) => metric?.present?.[i] !== 0)
}

describe('a few lines of each format', () => {
  it.each(Object.entries(madeLines))(
    'are read as %s',
    async (name, { path = 'train.log', text, steps, metrics, cap, note }) => {
      const [run, ...more] = await readLogText(text, path)
      expect(more).toEqual([])
      expect(run?.format).toBe(name)
      expect([...(run?.points.step ?? [])]).toEqual(steps)
      for (const [metric, expected] of Object.entries(metrics))
        expect([metric, readings(run as ImportedRun, metric)]).toEqual([metric, expected])
      expect(run?.clip).toEqual(cap === undefined ? undefined : { mode: 'norm', max_norm: cap })
      if (note !== undefined) expect(run?.notes.join(' ')).toContain(note)
    },
  )

  it.each([
    [
      'mmengine',
      'train.log',
      '2024/01/02 03:04:05 - mmengine - INFO - Iter(train) [   50/80000]  lr: 9.9e-03  eta: 5:00:00  time: 0.2  data_time: 0.01  memory: 5000  grad_norm: 5.25  loss: 2.5  decode.loss_ce: 1.5',
      50,
    ],
    [
      'internevo',
      'train.log',
      "2024-01-02 03:04:05 INFO train.py:1 -- tflops=10,step=50,loss=2.5,tgs (tokens/gpu/second)=100,lr=0.0099,loss_scale=65536.0,grad_norm={'0_default': 5.25, '1_fp32': 0.0},micro_num=4",
      50,
    ],
    [
      'megatron',
      'nemo.log',
      'Training epoch 0, iteration 50/99 | lr: 0.0099 | global_batch_size: 512 | global_step: 50 | reduced_train_loss: 2.5 | train_step_timing in s: 5.0 | grad_norm: 5.25',
      50,
    ],
    [
      'llmc',
      'train.log',
      'step   50/19560 | loss 2.500000 (+nanz)| norm 5.2500 (-0.12z)| lr 9.90e-03 | 3000.00 ms | 48.0% bf16 MFU | 170000 tok/s',
      50,
    ],
    [
      'json-lines',
      'metrics.json',
      '{"data_time": 0.01, "grad_norm": 5.25, "iteration": 50, "loss_box_reg": 0.3, "lr": 0.0099, "time": 0.3, "total_loss": 2.5}',
      50,
    ],
    [
      'json-lines',
      'levanter.txt',
      '2025-01-02 03:04:05 INFO {"tracker": "json_logger", "event": "log", "step": 50, "metrics": {"train/loss": 2.5, "grad/norm/total": 5.25, "grad/norm/transformer/wte": 0.5, "grad/norm/lm_head": 0.25, "optim/learning_rate": 0.0099}}',
      50,
    ],
    [
      'json-lines',
      'metrics.txt',
      '{"learning/loss": 2.5, "learning/grad_norm": 5.25, "learning/param_norm": 100.0, "learning/current_learning_rate": 0.0099, "step": 50.0}',
      50,
    ],
    [
      'json-lines',
      'result.json',
      '{"training_iteration": 50, "config": {"lr": 1}, "info": {"learner": {"default_policy": {"learner_stats": {"grad_gnorm": 5.25, "total_loss": 2.5, "cur_lr": 0.0099}}}}}',
      50,
    ],
  ])('of %s in another shape of its tool (%s) too', async (format, path, text, step) => {
    const [run] = await readLogText(text, path)
    expect([run?.format, run?.lastStep]).toEqual([format, step])
    expect(readings(run as ImportedRun, 'grad_norm')).toEqual([5.25])
    expect(readings(run as ImportedRun, 'loss')).toEqual([2.5])
    if (path === 'train.log')
      expect(readings(run as ImportedRun, 'lr').map((lr) => Math.abs(lr - 0.0099) < 1e-4)).toEqual([true])
  })

  it('have names of their own, as --format takes them', () => {
    expect(new Set(formats.map(({ name }) => name)).size).toBe(formats.length)
    for (const { name } of formats) expect(name).toMatch(/^[a-z][a-z0-9-]+$/)
  })
})

describe('a norm that is logged after clipping', () => {
  const block =
    '[token=4096/1000000]:\n\t Train time/batch: 6\n\t Train l2_norm/grad/global: 0.9\n\t Train l2_norm/grad/w: 0.9\n'

  it.each([
    [
      'its configuration says',
      `algorithms:\n  gradient_clipping:\n    clipping_threshold: 0.9\n    clipping_type: norm\n${block}`,
      {},
    ],
    ['the caller does', block, { maxNorm: 0.9 }],
  ])('is no grad_norm of Composer where the training clips, as %s', async (_, text, options) => {
    const [run] = await readLogText(text, 'train.log', options)
    expect([run?.points.step[0], run?.clip, run?.layers]).toEqual([7, { mode: 'norm', max_norm: 0.9 }, []])
    expect([readings(run as ImportedRun, 'grad_norm'), readings(run as ImportedRun, 'post_norm')]).toEqual([
      [],
      [0.9],
    ])
    expect(run?.notes.join(' ')).toContain('no gradient norms from before clipping')
  })

  it('stands beside the raw one in what MaxText and its forks write', async () => {
    const texts = [
      'completed step: 3, seconds: 0.3, total_weights: 196608, loss: 2.5, lr: 1.000e-03, grad_norm: 1.0, raw_grad_norm: 5.25',
      '{"learning/loss": 2.5, "learning/grad_norm": 1.0, "learning/raw_grad_norm": 5.25, "learning/param_norm": 100.0, "step": 3.0}',
    ]
    for (const text of texts) {
      const [run] = await readLogText(text, 'metrics.txt')
      expect([readings(run as ImportedRun, 'grad_norm'), readings(run as ImportedRun, 'post_norm')]).toEqual([
        [5.25],
        [1],
      ])
      expect([run?.parts, run?.points.step[0]]).toEqual([[], 3])
    }
  })

  it.each([
    ['RLlib’s progress.csv', 'info/learner/default_policy/learner_stats/grad_gnorm'],
    ['what Composer’s OptimizerMonitor writes to a table', 'l2_norm/grad/global'],
  ])('is told by its name in %s', async (_, name) => {
    const [run] = await readLogText(`step,${name}\n1,0.5\n2,0.4\n`, 'progress.csv')
    expect([run?.norm, readings(run as ImportedRun, 'post_norm')]).toEqual([undefined, [0.5, 0.4]])
  })
})

describe('Composer', () => {
  it('counts its batches on over the epochs', async () => {
    const block = (epoch: number, batch: number): string =>
      `[epoch=${epoch}][batch=${batch}/50]:\n\t Train time/batch: 1\n\t Train loss/train/total: 2.5000\n`
    const [run] = await readLogText(block(1, 50) + block(2, 3), 'train.log')
    expect([...(run?.points.step ?? [])]).toEqual([50, 53])
  })
})

describe('Stable-Baselines3', () => {
  it('gives what an evaluation prints of the training at its own number of time steps, and a norm where one is recorded', async () => {
    const table = (rows: string): string => `${'-'.repeat(30)}\n${rows}${'-'.repeat(30)}\n`
    const train = '| train/ | |\n|    loss | 2.5 |\n|    grad_norm | 1.25 |\n'
    const text =
      table(`| time/ | |\n|    iterations | 2 |\n|    total_timesteps | 256 |\n${train}`) +
      table(`| eval/ | |\n|    mean_reward | 9 |\n| time/ | |\n|    total_timesteps | 300 |\n${train}`)
    const [run] = await readLogText(text, 'train.log')
    expect([...(run?.points.step ?? [])]).toEqual([256, 300])
    expect([run?.norm, readings(run as ImportedRun, 'grad_norm')]).toEqual(['train/grad_norm', [1.25, 1.25]])
  })
})

describe('GPT-NeoX', () => {
  it('gives its loss, and the cap that it writes between dots; its console has no gradient norm', async () => {
    const text =
      '  gradient_clipping ............... 0.5.........................updated\n samples/sec: 24.117 | iteration       50/  320000 | elapsed time per iteration (ms): 1300.1 | learning rate: 9.900E-03 | approx flops per GPU: 50.5TFLOPS | lm_loss: 2.500000E+00 | loss scale: 4096.0 | number of skipped iterations:   0 | number of nan iterations:   3 |'
    const [run] = await readLogText(text, 'train.log')
    expect([run?.format, run?.clip]).toEqual(['megatron', { mode: 'norm', max_norm: 0.5 }])
    expect(readings(run as ImportedRun, 'loss')).toEqual([2.5])
    expect(run?.notes).toContain('This log has no gradient norms.')
  })
})

describe('columns under names of one’s own', () => {
  it('are read as --map says', async () => {
    const [run] = await readLogText('it,gn,cost\n1,2.5,9\n2,3.5,8\n', 'x.csv', {
      map: { step: 'it', grad_norm: 'gn', loss: 'cost' },
    })
    expect([readings(run as ImportedRun, 'grad_norm'), readings(run as ImportedRun, 'loss')]).toEqual([
      [2.5, 3.5],
      [9, 8],
    ])
  })

  it('take the norm that --norm and --post-clip name', async () => {
    const text = '{"step": 1, "loss": 1, "g/grad_norm": 3, "d/grad_norm": 2, "after": 1}\n'
    const [run] = await readLogText(text, 'x.jsonl', { norm: 'd/grad_norm', postClip: 'after' })
    expect([readings(run as ImportedRun, 'grad_norm'), readings(run as ImportedRun, 'post_norm')]).toEqual([
      [2],
      [1],
    ])
    expect(run?.otherNorms).toEqual(['g/grad_norm'])
  })

  it('never take a ratio or the norm of weights for that of the gradient', async () => {
    const [run] = await readLogText(
      '{"step": 1, "loss": 1, "grad/param_norm": 3, "weight_norm": 9, "model_norm": 8, "pred_norm": 7}\n',
      'x.jsonl',
    )
    expect([run?.norm, run?.parts, run?.otherNorms]).toEqual([undefined, [], []])
  })
})

describe('a cap beside the log', () => {
  const log = '{"step": 1, "loss": 1, "grad_norm": 2}\n'
  const pickle = Uint8Array.from([
    0x8c,
    13,
    ...new TextEncoder().encode('max_grad_norm'),
    0x94,
    0x47,
    0x3f,
    0xe0,
    0,
    0,
    0,
    0,
    0,
    0,
  ])
  it.each([
    ['args.json', '{"train": {"max_grad_norm": 0.3}}', 0.3],
    ['.hydra/config.yaml', 'actor:\n  grad_clip: 1.0\n', 1],
    ['training_args.bin', pickle, 0.5],
  ])('is found in %s', async (path, content, cap) => {
    const beside = async (asked: string) =>
      asked !== path ? undefined : typeof content === 'string' ? new TextEncoder().encode(content) : content
    const [run] = await readLogText(log, 'x.jsonl', { beside })
    expect(run?.clip).toEqual({ mode: 'norm', max_norm: cap })
    expect(run?.capFoundIn).toContain(path)
  })
})

const chunk = (bytes: Uint8Array) =>
  (async function* () {
    yield bytes
  })()

describe('ESPnet', () => {
  const batches = (epoch: number, to: number, norm: number): string =>
    `[host] 2023-01-02 03:04:05,678 (trainer:721) INFO: ${epoch}epoch:train:${to - 49}-${to}batch: loss=80.1, grad_norm=${norm}, clip=100.000`
  const results = (epoch: number, total: number): string =>
    `[host] 2023-01-02 03:14:05,678 (trainer:338) INFO: ${epoch}epoch results: [train] iter_time=1e-4, loss=1.2, time=3 minutes, total_count=${total}, gpu_max=3, [valid] loss=1.1, total_count=7`

  it('counts its batches on over the epochs, and marks where a training was resumed', async () => {
    const whole = [
      batches(1, 50, 1),
      batches(1, 100, 2),
      results(1, 103),
      batches(2, 50, 3),
      batches(2, 100, 4),
    ]
    const runs = await readLogText([...whole, batches(2, 50, 5)].join('\n'), 'train.log')
    expect(runs).toHaveLength(1)
    const [run] = runs as [ImportedRun]
    expect([...run.points.step]).toEqual([50, 100, 153])
    expect(readings(run, 'grad_norm')).toEqual([1, 2, 5])
    expect(run.events).toMatchObject([{ step: 153 }])
  })

  it('goes on from the last batch printed where an epoch ends without results', async () => {
    const [run] = await readLogText([batches(1, 50, 1), batches(2, 50, 2)].join('\n'), 'train.log')
    expect([...(run?.points.step ?? [])]).toEqual([50, 100])
  })
})

describe('MLflow’s mlruns', () => {
  it('makes one run of the files of its metrics', async () => {
    const folder = `mlruns/0/${'a1'.repeat(16)}/metrics`
    const encoder = new TextEncoder()
    const file = (name: string, text: string) => ({
      path: `${folder}/${name}`,
      chunks: () => chunk(encoder.encode(text)),
    })
    const runs = await readLogs([
      file('train/loss', '1700000000000 2.5 0\n1700000001000 2.25 1\n'),
      file('grad_norm', '1700000000000 1.5 0\n1700000001000 nan 1\n'),
    ])
    expect(runs).toHaveLength(1)
    const [run] = runs as [ImportedRun]
    expect([readings(run, 'grad_norm'), readings(run, 'loss'), [...run.points.time]]).toEqual([
      [1.5, NaN],
      [2.5, 2.25],
      [1.7e9, 1_700_000_001],
    ])
  })
})

describe('TensorBoard event files', () => {
  const record = (data: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(data.length + 16)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, data.length, true)
    view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true)
    bytes.set(data, 12)
    view.setUint32(12 + data.length, maskedCrc(data), true)
    return bytes
  }
  const scalar = (step: number, tag: string, value: number): Uint8Array => {
    const name = new TextEncoder().encode(tag)
    const float = new Uint8Array(new Float32Array([value]).buffer)
    const item = [0x0a, name.length, ...name, 0x15, ...float]
    const time = new Uint8Array(new Float64Array([1.7e9 + step]).buffer)
    return record(
      Uint8Array.from([0x09, ...time, 0x10, step, 0x2a, item.length + 2, 0x0a, item.length, ...item]),
    )
  }
  const events = [0, 1, 2].flatMap((step) => [
    scalar(step, 'train/loss', 2.5),
    scalar(step, 'train/grad_norm', step + 0.5),
  ])
  const whole = Uint8Array.from(events.flatMap((event) => [...event]))
  const path = 'runs/events.out.tfevents.1700000000.host.1.0'

  it('give their scalars, and those before the place where a file is cut', async () => {
    const [run] = await readLog(chunk(whole), path)
    expect([readings(run as ImportedRun, 'grad_norm'), run?.points.time[1]]).toEqual([
      [0.5, 1.5, 2.5],
      1_700_000_001,
    ])
    const [cut] = await readLog(chunk(whole.subarray(0, whole.length - 5)), path)
    expect(readings(cut as ImportedRun, 'grad_norm')).toEqual([0.5, 1.5])
  })

  it('are read the same however they come, and a broken record is told of by its place', async () => {
    const [expected] = await readLog(chunk(whole), path)
    for (const size of [1, 7, 13, 50, 64]) {
      const [run] = await readLog(inChunks(whole, size), path)
      expect(run).toEqual(expected)
    }
    const third = (events[0]?.length ?? 0) + (events[1]?.length ?? 0)
    const broken = whole.slice()
    broken.fill(7, third + 20, third + 22)
    await expect(readLog(inChunks(broken, 13), path)).rejects.toThrow(`At byte ${third} a record`)
  })

  it('are refused where a checksum does not match', async () => {
    const broken = whole.slice()
    broken.set([broken[whole.length - 10] === 1 ? 2 : 1], whole.length - 10)
    await expect(readLog(chunk(broken), path)).rejects.toThrow(
      /At byte \d+ a record does not match its checksum/,
    )
  })
})
