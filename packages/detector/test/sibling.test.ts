import { describe, expect, it } from 'vitest'
import { mostAlike, siblingWords } from '../src/index.ts'

const run = (config: Record<string, unknown>, max_norm: number | null = 1) => ({
  config,
  max_norm,
  optimizer: 'adamw',
})

describe('the run that is most alike', () => {
  const own = run({ lr: 3e-3, model: { width: 256, depth: 4 }, seed: 1, data: 'a' })

  it('shares most settings; keys that often matter come first', () => {
    const near = run({ lr: 3e-4, model: { width: 256, depth: 4 }, seed: 2, data: 'a' })
    const far = run({ lr: 3e-3, model: { width: 512, depth: 8 }, seed: 2, data: 'b' })
    expect(mostAlike(own, [far, near])).toEqual({
      run: near,
      differs: [
        { key: 'lr', this: 3e-3, that: 3e-4 },
        { key: 'seed', this: 1, that: 2 },
      ],
    })
  })
  it('is the first of several that share as many', () => {
    const [first, second] = [run({ lr: 1 }), run({ lr: 2 })]
    expect(mostAlike(run({ lr: 3 }), [first, second])?.run).toBe(first)
  })
  it('differs in its cap where only that differs', () => {
    const other = { ...own, max_norm: 0.5 }
    expect(mostAlike(own, [other])?.differs).toEqual([{ key: 'max_norm', this: 1, that: 0.5 }])
  })
  it('does not exist if fewer than half of the settings are shared', () => {
    const other = { config: { a: 1, b: 2, c: 3, d: 4 }, max_norm: 7, optimizer: 'sgd' }
    expect(mostAlike(own, [other])).toBeUndefined()
    expect(mostAlike(own, [])).toBeUndefined()
  })
  it.each([
    ['no settings at all', {}, {}],
    ['no settings of its own', { lr: 3e-3 }, {}],
    ['settings of another kind', { lr: 3e-3, width: 256 }, { vocabulary: 50_000, tokenizer: 'bpe' }],
    [
      'only what is captured of every training',
      { command: 'gan.py', python: '3.11.2', torch: '2.4.0', world_size: 1 },
      { command: 'resnet.py', python: '3.11.2', torch: '2.4.0', world_size: 1 },
    ],
  ])('is not just any run of the project: %s in common', (_, config, other) => {
    expect(
      mostAlike({ ...run(config), name: 'gan-7' }, [{ ...run(other), name: 'resnet-7' }]),
    ).toBeUndefined()
  })
  it('may be told by its name alone, numbers apart', () => {
    const [again, unnamed] = [
      { ...run({}), name: 'agent-opd-152244/output.log' },
      { ...run({}), name: '152244' },
    ]
    expect(mostAlike({ ...run({}), name: 'agent-opd-144822/output.log' }, [unnamed, again])?.run).toBe(again)
    expect(mostAlike({ ...run({}), name: '144822' }, [unnamed])).toBeUndefined()
  })
})

it('says how a sibling differs as a difference, and how the norms compare', () => {
  const differs = [{ key: 'lr', this: 3e-3, that: 3e-4 }]
  const sibling = { run: 'a', name: 'good', differs, norms: { step: 200, this: 6.1, that: 0.8 } }
  expect(siblingWords(sibling)).toBe(
    'the healthy run "good" differs in lr (0.0003 there, 0.003 here); at step 200 its median norm was 0.8, here 6.1',
  )
  expect(siblingWords({ ...sibling, differs: [], norms: null })).toBe(
    'the healthy run "good" has the same settings',
  )
})
