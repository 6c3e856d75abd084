import { expect, it } from 'vitest'
import { readLogText, type ImportedRun, type ReadLogOptions } from '../index.ts'

/** A run of which each column has readings of its own: the first 1, the second 2. */
async function runOf(columns: readonly string[], options?: ReadLogOptions): Promise<ImportedRun> {
  const row = (step: number): string => [step, 9, ...columns.map((_, i) => i + 1)].join(',')
  const text = [['step', 'loss', ...columns].join(','), row(1), row(2), row(3)].join('\n')
  const [run] = await readLogText(text, 'x.csv', options)
  return run as ImportedRun
}

function metricsOf({ points }: ImportedRun): Record<string, number | undefined> {
  const all = [...points.metrics].map(([name, { values }]): [string, number | undefined] => [name, values[0]])
  return Object.fromEntries(all.filter(([name]) => name !== 'loss'))
}

it.each([
  ['grad_norm_before_clip'],
  ['pre_clip_grad_norm'],
  ['grad_norm_preclip'],
  ['grad_norm_unclipped'],
  ['train/gradNormRaw'],
  ['grad_global_norm'],
  ['gradients/global_norm'],
  ['grad_norm/all'],
  ['grad_norm_l2'],
])('%s is the norm of the run', async (name) => {
  const run = await runOf([name])
  expect([run.norm, metricsOf(run)]).toEqual([name, { grad_norm: 1 }])
})

it.each([
  'log_grad_norm',
  'n_grad_norm_skipped',
  'noise_grad_norm_snr',
  'avg_grad_norm',
  'grad_norm_ema',
  'grad_norm_inf',
  'grad_norm_std',
  'grad_norm_sq',
  'grad_norm_l1',
  'grad_1.0_norm_total',
  'grad_norm_p99',
  'scaled_grad_norm',
])('%s is never the norm, and the note says how to take it all the same', async (name) => {
  const run = await runOf([name])
  expect([run.norm, run.parts, metricsOf(run)]).toEqual([undefined, [], { [name]: 1 }])
  expect(run.notes.join(' ')).toMatch(`--norm takes one all the same: ${name}.`)
  expect(metricsOf(await runOf([name], { norm: name }))).toEqual({ grad_norm: 1 })
})

it.each([
  [['grad_norm_post', 'grad_norm_pre'], { post_norm: 1, grad_norm: 2 }],
  [['train/grad_norm', 'train/grad_norm_raw'], { post_norm: 1, grad_norm: 2 }],
  [['grad_norm', 'grad_norm_clipped'], { grad_norm: 1, post_norm: 2 }],
  [['scaled_grad_norm', 'unscaled_grad_norm'], { scaled_grad_norm: 1, grad_norm: 2 }],
  [['grad_norm', 'unscaled_grad_norm'], { 'grad_norm (log)': 1, grad_norm: 2 }],
  [['grad_norm_l1', 'grad_norm_l2', 'grad_norm_linf'], { grad_norm_l1: 1, grad_norm: 2, grad_norm_linf: 3 }],
  [
    ['grad_norm/mean', 'grad_norm/max', 'grad_norm/global'],
    { grad_norm_mean: 1, grad_norm_max: 2, grad_norm: 3 },
  ],
])('of %j the norm is that before clipping of the whole', async (columns, metrics) => {
  const run = await runOf(columns)
  expect([metricsOf(run), run.parts]).toEqual([metrics, []])
})

it('parts keep their norms before and after clipping apart', async () => {
  const run = await runOf(['actor/grad_norm_pre', 'actor/grad_norm_post', 'critic/grad_norm'])
  expect(metricsOf(run)).toEqual({ 'grad_norm/actor': 1, 'post_norm/actor': 2, 'grad_norm/critic': 3 })
  expect(run.parts).toEqual([{ name: 'actor' }, { name: 'critic' }])
})

it('a column that names a cap is the cap of each step, where 0 stands for none', async () => {
  const text = 'step,grad_norm,max_grad_norm\n1,2,1.0\n2,3,0\n3,1,nan\n'
  const [run] = (await readLogText(text, 'x.csv')) as [ImportedRun]
  const cap = run.points.metrics.get('max_norm')
  expect([run.norm, run.parts, cap]).toEqual([
    'grad_norm',
    [],
    { values: Float64Array.of(1, Infinity, 0), present: Uint8Array.of(1, 1, 0) },
  ])
  expect(run.notes.join(' ')).toContain('max_grad_norm')
  expect((await runOf(['max_grad_norm'])).norm).toBeUndefined()
})

it('a norm that the server judges as a part beside that of the whole is told of as a part, without the cap of the whole', async () => {
  const run = await runOf(['grad_norm', 'grad_norm/encoder', 'decoder/grad_norm'], { maxNorm: 1 })
  expect([run.norm, run.parts, run.otherNorms]).toEqual([
    'grad_norm',
    [{ name: 'encoder' }],
    ['decoder/grad_norm'],
  ])
})

it('an object of norms with one of the whole has that as the norm, and the others as layers', async () => {
  const line = (step: number): string =>
    JSON.stringify({ step, loss: 2, grad_norm: { total: 1.5, mean: 0.5, encoder: 1 } })
  const [run] = (await readLogText([line(1), line(2)].join('\n'), 'x.jsonl')) as [ImportedRun]
  expect([run.norm, run.layers, metricsOf(run)]).toEqual([
    'grad_norm/total',
    ['encoder'],
    { grad_norm: 1.5, grad_norm_mean: 0.5, 'layers/encoder': 1 },
  ])
})

it('the words in the name of a layer say nothing of its norm', async () => {
  const run = await runOf(['grad_norm', 'grad_norm/layers.0.post_attention_layernorm.weight'])
  expect(run.layers).toEqual(['layers.0.post_attention_layernorm.weight'])
})
