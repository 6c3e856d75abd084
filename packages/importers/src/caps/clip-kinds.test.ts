import { describe, expect, it } from 'vitest'
import { readLogText, type ImportedRun, type ReadLogOptions } from '../index.ts'

const ROWS = ' iteration 1/ 9 | lm loss: 2.0E+00 | grad norm: 0.8 |\n'

async function only(text: string, path = 'train.log', options: ReadLogOptions = {}): Promise<ImportedRun> {
  const runs = await readLogText(text, path, options)
  expect(runs).toHaveLength(1)
  return runs[0] as ImportedRun
}

const beside = (name: string, text: string) => async (asked: string) =>
  asked === name ? new TextEncoder().encode(text) : undefined

const norm = (max_norm: number) => ({ mode: 'norm', max_norm })
const value = (clip_value: number) => ({ mode: 'value', clip_value })

describe('a cap that a log prints', () => {
  it.each([
    ["Namespace(gradient_clip_val=0.5, gradient_clip_algorithm='value')", value(0.5)],
    ["Trainer(gradient_clip_algorithm='value', gradient_clip_val=0.5)", value(0.5)],
    ['gradient_clip_val: 0.5\ngradient_clip_algorithm: value', value(0.5)],
    ['gradient_clip_algorithm: value\ngradient_clip_val: 0.5', value(0.5)],
    ['gradient_clip_algorithm: norm\ngradient_clip_val: 0.5', norm(0.5)],
    ['gradient_clip_algorithm: null\ngradient_clip_val: 0.5', norm(0.5)],
    ['optimizer_config=dict(grad_clip=dict(max_norm=35, norm_type=2))', norm(35)],
    ['clip_grad=dict(\n    max_norm=35,\n    norm_type=2)', norm(35)],
    ["{'clip_grad': {'max_norm': 0.1}}", norm(0.1)],
    ['torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.1)', norm(0.1)],
    ['python train.py --clip-grad 1.0 imagenet', norm(1)],
    ['INFO max_grad_norm 1.0 lr 0.1', norm(1)],
    ['INFO max_grad_norm: 1.0, weight decay: 0.1', norm(1)],
  ])('is of the kind that stands with it: %s', async (text, clip) => {
    expect((await only(`${text}\n${ROWS}`)).clip).toEqual(clip)
  })

  it.each([
    'clip_grad=0.02, clip_mode=agc',
    'clip_grad: 0.02\nclip_mode: agc',
    'optimizer_config=dict(grad_clip=dict(max_norm=35, norm_type=1))',
    'clip_grad=dict(\n    max_norm=35,\n    norm_type=1)',
    'clip_grad=dict(max_norm=35, norm_type=inf)',
    'grad_clip=40, grad_clip_by=norm',
  ])('is none of the norm where it clips otherwise, and a note says so: %s', async (text) => {
    const run = await only(`${text}\n${ROWS}`)
    expect([run.clip, run.capFoundIn]).toEqual([undefined, undefined])
    expect(run.notes.join(' ')).toContain('is no cap of the gradient’s L2 norm')
  })

  it.each([
    'Gradient clipping is off: set --clip_grad_norm 1.0 to enable it',
    'set --clip_grad_norm 1.0 to enable',
    'usage: train.py [-h] [--lr LR] [--max_grad_norm 1.0]',
    '                [--max_grad_norm 1.0] [--seed 1]',
    'Hint: use --max_grad_norm 1.0',
    'UserWarning: max_grad_norm=1.0 is ignored, since the engine clips by itself',
    'Consider setting max_grad_norm: 1.0',
    'max_grad_norm=1.0 ignored.',
    'Embedding(100, 16, max_norm=2.0)',
    'embedding_max_norm=2.0',
  ])('is not taken from usage, sentences and layers: %s', async (text) => {
    expect((await only(`${text}\n${ROWS}`)).clip).toBeUndefined()
  })
})

describe('a cap beside a log', () => {
  it.each([
    ['hparams.yaml', 'gradient_clip_algorithm: value\ngradient_clip_val: 0.5\n', value(0.5)],
    ['hparams.yaml', 'gradient_clip_val: 0.5\ngradient_clip_algorithm: value\n', value(0.5)],
    ['args.json', '{"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"}', value(0.5)],
    ['args.json', '{"clip_grad": {"max_norm": 35, "norm_type": 2}}', norm(35)],
    ['config.yaml', 'grad_clip:\n  max_norm: 35\nembedding:\n  max_norm: 2\n', norm(35)],
    ['args.json', '{"embedding": {"max_norm": 2}}', undefined],
    ['config.yaml', 'embedding:\n  max_norm: 2\n', undefined],
  ])('is of the kind that %s says: %s', async (path, text, clip) => {
    const run = await only('{"step": 1, "grad_norm": 2}', 'x.jsonl', { beside: beside(path, text) })
    expect(run.clip).toEqual(clip)
  })

  it('is none where timm clips adaptively, and a note says so', async () => {
    const args = beside('args.yaml', 'clip_grad: 0.02\nclip_mode: agc\n')
    const run = await only('{"step": 1, "grad_norm": 2}', 'x.jsonl', { beside: args })
    expect(run.clip).toBeUndefined()
    expect(run.notes).toContain(
      'clip_grad in args.yaml is no cap of the gradient’s L2 norm, as it stands with clip_mode agc: clipping is not judged.',
    )
  })
})
