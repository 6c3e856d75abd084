import { describe, expect, it } from 'vitest'
import { formats } from './index.ts'
import { maskedCrc } from './tensorboard/masked-crc.ts'
import { readLog, readLogs, readLogText, type ImportedRun } from '../index.ts'

/** Lines written in each format's shape, and what is to be read from them. */
interface Case {
  readonly path?: string
  readonly text: string
  readonly steps: readonly number[]
  readonly metrics: Readonly<Record<string, readonly number[]>>
  readonly cap?: number
  readonly note?: string
}

const CASES: Readonly<Record<string, Case>> = {
  torchtitan: {
    text: '[rank0]:[titan] 2025-01-02 03:04:05,678 - root - INFO - \u001b[31mstep:  1  \u001b[32mloss:  8.21  \u001b[34mgrad_norm:  1.5  memory: 4.5GiB(5%)  tps: 1,234  mfu: 3%\u001b[39m\n[rank1]:[titan] 2025-01-02 03:04:05,678 - root - INFO - step:  1  loss:  8.21  grad_norm:  1.5  memory: 4.5GiB(5%)  tps: 1,234  mfu: 3%',
    steps: [1],
    metrics: { loss: [8.21], grad_norm: [1.5], tps: [1234] },
  },
  nanotron: {
    text: '01/02/2025 03:04:05 [INFO|DP=0|PP=0|TP=0]: iteration: 3 / 100 | consumed_tokens: 786K | lm_loss: 10.5 | lr: 3E-05 | grad_norm: nan |',
    steps: [3],
    metrics: { loss: [10.5], lr: [3e-5], grad_norm: [NaN] },
  },
  nanogpt: {
    text: 'iter 10: loss 3.2041, time 52.10ms, mfu 3.00%\niter 20: loss 3.1, time 52.10ms, mfu 3.00%',
    steps: [10, 20],
    metrics: { loss: [3.2041, 3.1] },
    note: 'This log has no gradient norms.',
  },
  internevo: {
    text: "2023-07-07 12:26:58,293 INFO train.py:323 in record -- tflops=63.2 step=7 loss=11.68 step=7 tgs=1,234.5 lr=2e-07 loss_scale=65536.0 grad_norm={'0_default': 2.15} micro_num=4",
    steps: [7],
    metrics: { loss: [11.68], lr: [2e-7], loss_scale: [65536], grad_norm: [2.15] },
  },
  mmengine: {
    text: '2023/01/02 03:04:05 - mmengine - INFO - Epoch(train) [1][ 50/100]  lr: 1.0000e-04  eta: 1:00  loss: 2.5  grad_norm: 12.1\n2023/01/02 03:05:05 - mmengine - INFO - Epoch(train) [2][ 50/100]  lr: 1.0000e-04  eta: 1:00  loss: 2.4  grad_norm: inf',
    steps: [50, 150],
    metrics: { loss: [2.5, 2.4], grad_norm: [12.1, Infinity] },
  },
  detectron2: {
    text: '[01/02 03:04:05 d2.utils.events]: eta: 0:10:00  iter: 19  total_loss: 5.1  loss_cls: 4.2  time: 0.3  lr: 0.0002  grad_norm: 3.1  max_mem: 3000M',
    steps: [19],
    metrics: { loss: [5.1], lr: [0.0002], grad_norm: [3.1] },
  },
  timm: {
    text: 'Train: 0 [   0/1251 (  0%)]  Loss: 6.99 (6.99)  LR: 1.000e-06\nTrain: 1 [  50/1251 (  4%)]  Loss: 6.95 (6.94)  Time: 0.5s  LR: 1.000e-06  Grad norm: 2.3 (2.2)',
    steps: [0, 1301],
    metrics: { loss: [6.99, 6.95], grad_norm: [2.3] },
  },
  openrlhf: {
    text: "✨ Global step 3: {'policy_loss': 0.02, 'actor_grad_norm': np.float64(0.5), 'critic_grad_norm': tensor(1.25, device='cuda:0'), 'actor_lr': 1e-06}",
    steps: [3],
    metrics: { loss: [0.02], 'grad_norm/actor': [0.5], 'grad_norm/critic': [1.25], lr: [1e-6] },
  },
  fairseq: {
    text: '2020-01-01 00:00:00 | INFO | train_inner | epoch 001:    100 / 1000 loss=9.5, nll_loss=8.7, wps=1,234, num_updates=100, lr=1e-05, gnorm=2.5, clip=0, loss_scale=128',
    steps: [100],
    metrics: { loss: [9.5], lr: [1e-5], grad_norm: [2.5], loss_scale: [128] },
  },
  espnet: {
    text: '[host] 2023-01-02 03:04:05,678 (trainer:721) INFO: 1epoch:train:1-50batch: iter_time=0.1, loss=80.1, grad_norm=12.3, clip=100.000, loss_scale=1.000, optim0_lr0=1e-06',
    steps: [50],
    metrics: { loss: [80.1], grad_norm: [12.3], lr: [1e-6] },
    note: 'mean over some batches',
  },
  icefall: {
    text: '2023-01-02 03:04:05,678 INFO [train.py:898] (0/4) Epoch 1, batch 0, loss[loss=7.5, over 1000 frames.]\n2023-01-02 03:04:06,678 INFO [optim.py:369] (0/4) Clipping_scale=2.0, grad-norm quartiles 1.0 2.0 3.5 4.0 9.0, threshold=7.0, percent-clipped=1.0',
    steps: [1, 2],
    metrics: { loss: [7.5], grad_norm: [3.5], max_norm: [7] },
    note: 'quartiles',
  },
  coqui: {
    text: '   --> STEP: 24/405 -- GLOBAL_STEP: 25\n     | > loss: 2.5  (2.6)\n     | > grad_norm_0: 12.3  (11.9)\n     | > grad_norm_1: 3.5  (3.4)\n     | > current_lr: 0.0001 \n',
    steps: [25],
    metrics: { loss: [2.5], 'grad_norm/0': [12.3], 'grad_norm/1': [3.5] },
  },
  caffe: {
    text: 'I0102 03:04:05.6 1 solver.cpp:218] Iteration 100 (2 iter/s, 50s/100 iters), loss = 1.5\nI0102 03:04:06.6 1 sgd_solver.cpp:92] Gradient clipping: scaling down gradients (L2 norm 45.5 > 35) by scale factor 0.77',
    steps: [100],
    metrics: { loss: [1.5], grad_norm: [45.5] },
    cap: 35,
    note: 'cannot be known',
  },
  'json-lines': {
    path: 'output/logging.jsonl',
    text: '{"loss": "0.7695", "grad_norm": "nan", "learning_rate": 1e-4, "global_step/max_steps": "10/438"}\n{"loss": 0.5, "grad_norm": 2.5, "global_step/max_steps": "20/438"}\n{"loss": 0.5, "grad_norm": 2.5, "global_step/max_steps": "20/438"}\n{"log_history": [{"loss": 9, "step": 1}]}',
    steps: [10, 20],
    metrics: { loss: [0.7695, 0.5], grad_norm: [NaN, 2.5] },
  },
  'hf-console': {
    text: "Num Epochs = 2\nTotal optimization steps = 1,000\n{'loss': '0.0', 'grad_norm': 'nan', 'learning_rate': '5e-05', 'epoch': '0.02'}\r 5%|▌ | 50/1000{'loss': 2.5, 'grad_norm': 1.5, 'epoch': 0.04}",
    steps: [10, 20],
    metrics: { grad_norm: [NaN, 1.5], loss: [0, 2.5] },
    note: 'NaN filter',
  },
  table: {
    path: 'lightning_logs/version_0/metrics.csv',
    text: 'epoch,grad_2.0_norm_total,step,train_loss_step,val_loss\n0,1.5,9,2.5,\n0,,9,,1.1\n0,2.5,19,2.25,\n0,nan,29,"2,125.5",\n',
    steps: [9, 19, 29],
    metrics: { grad_norm: [1.5, 2.5, NaN], loss: [2.5, 2.25, 2125.5] },
  },
  nanochat: {
    text: 'step 00012/21400 (0.06%) | loss: 9.5 | grad norm: 0.9 | lrm: 1.00 | dt: 10.00ms | tok/sec: 1,234 | mfu: 3.0',
    steps: [12],
    metrics: { loss: [9.5], grad_norm: [0.9], 'tok/sec': [1234] },
  },
  megatron: {
    text: ' iteration 1/ 9 | lm loss: 2.6E+01 | grad norm: nan | iteration 2/ 9 | lm loss: 2.5E+01 | grad norm: 1.5 |\n iteration 3/ 9 | grad norm: nan | number of nan iterations: 1 |\n  clip_grad ....................................... 0.5',
    steps: [1, 2, 3],
    metrics: { loss: [26, 25, NaN], grad_norm: [NaN, 1.5, NaN] },
    cap: 0.5,
  },
  'sweep-json': {
    text: '[{"config": {"opt": {"grad_clip": 10}}, "history": [{"epoch": 0, "grad_norm": NaN, "train_loss": 1.5}]}]',
    steps: [0],
    metrics: { grad_norm: [NaN], loss: [1.5] },
    cap: 10,
  },
}

function readings({ points }: ImportedRun, name: string): number[] {
  const metric = points.metrics.get(name)
  return [...(metric?.values ?? [])].filter((_, i) => metric?.present?.[i] !== 0)
}

describe('a few lines of each format', () => {
  it.each(Object.entries(CASES))(
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

  it('have names of their own, as --format takes them', () => {
    expect(new Set(formats.map(({ name }) => name)).size).toBe(formats.length)
    for (const { name } of formats) expect(name).toMatch(/^[a-z][a-z0-9-]+$/)
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

  it('are refused where a checksum does not match', async () => {
    const broken = whole.slice()
    broken.set([broken[whole.length - 10] === 1 ? 2 : 1], whole.length - 10)
    await expect(readLog(chunk(broken), path)).rejects.toThrow(
      /At byte \d+ a record does not match its checksum/,
    )
  })
})
