import { expect, it } from 'vitest'
import { readLogText } from '../index.ts'
import { COUNTED_ON } from './epoch-steps.ts'

const rowsOf = (places: readonly string[]): string =>
  places.map((place, i) => `{${place}, "loss": 2, "grad_norm": ${i + 1}}`).join('\n')

it.each([
  [
    'mmcv',
    'work_dirs/x.log.json',
    rowsOf(
      [1, 2].flatMap((epoch) =>
        [50, 100].map((iter) => `"mode": "train", "epoch": ${epoch}, "iter": ${iter}`),
      ),
    ),
    [50, 100, 150, 200],
  ],
  ['one row an epoch', 'x.jsonl', rowsOf(['"epoch": 1, "iter": 50', '"epoch": 2, "iter": 50']), [50, 100]],
  ['steps from 0', 'x.csv', 'epoch,step,grad_norm\n0,0,1\n0,1,2\n1,0,3\n1,1,4\n', [0, 1, 2, 3]],
  [
    'NeMo without a global step',
    'nemo.log',
    [0, 1].map((e) => `Training epoch ${e}, iteration 0/9 | lr: 0.1 | loss: 2 | grad_norm: 1`).join('\n'),
    [0, 1],
  ],
])(
  'a log whose step begins again with each epoch is one run, and says so: %s',
  async (_, path, text, steps) => {
    const runs = await readLogText(text, path)
    expect(runs.map(({ points }) => [...points.step])).toEqual([steps])
    expect(runs[0]?.notes).toContain(COUNTED_ON)
  },
)

it.each([
  [
    'x.jsonl',
    rowsOf(['"epoch": 0, "step": 9, "global_step": 9', '"epoch": 1, "step": 0, "global_step": 10']),
  ],
  [
    'nemo.log',
    [9, 10]
      .map(
        (at) =>
          `Training epoch 1, iteration ${at % 9}/9 | lr: 0.1 | global_step: ${at} | loss: 2 | grad_norm: 1`,
      )
      .join('\n'),
  ],
])('the step of the whole run is taken where a log has it: %s', async (path, text) => {
  const runs = await readLogText(text, path)
  expect(runs.map(({ points, notes }) => [[...points.step], notes])).toEqual([[[9, 10], []]])
})

it('a training that begins again, or is resumed within an epoch, is seen in counted steps too', async () => {
  const at = (epoch: number, iter: number): string => `"epoch": ${epoch}, "iter": ${iter}`
  const begun = await readLogText(rowsOf([at(1, 1), at(1, 2), at(2, 1), at(1, 1), at(1, 2)]), 'x.jsonl')
  expect(begun.map(({ points }) => [...points.step])).toEqual([
    [1, 2, 3],
    [1, 2],
  ])
  const [resumed] = await readLogText(rowsOf([at(1, 1), at(1, 2), at(2, 1), at(2, 2), at(2, 1)]), 'x.jsonl')
  expect([[...(resumed?.points.step ?? [])], resumed?.events]).toEqual([
    [1, 2, 3],
    [{ step: 3, label: 'resumed at step 3' }],
  ])
})

it('the cap in the configuration that mmcv writes as text into its first line is found', async () => {
  const config = 'lr = 0.1\noptimizer_config = dict(grad_clip=dict(max_norm=35, norm_type=2))\n'
  const text = `${JSON.stringify({ env_info: 'linux', config, seed: 0 })}\n{"mode": "train", "epoch": 1, "iter": 50, "loss": 2, "grad_norm": 1}`
  const [run] = await readLogText(text, 'x.log.json')
  expect(run?.clip).toEqual({ mode: 'norm', max_norm: 35 })
})
