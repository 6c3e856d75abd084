import type { ComparedRun } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { configRows, measureRows, roughnessSentences } from './measures.ts'

const run = (name: string, measures: Partial<ComparedRun>): ComparedRun => ({
  run: name,
  name,
  points: 300,
  steps: 300,
  seconds: 60,
  final_loss: 0.2,
  loss_roughness: 0.5,
  norm_quantiles: { p10: 1, p50: 2, p90: 3, p99: null },
  clip_rate: null,
  spikes: 0,
  nonfinite: 0,
  ...measures,
})
const rowOf = (name: string, runs: ComparedRun[]) =>
  measureRows(runs)
    .find((row) => row.name === name)
    ?.cells.map(({ value, change }) => [value, change])

describe('the table of measures', () => {
  it('gives each measure with its factor to the first run, and shares in percentage points', () => {
    const runs = [run('free', { clip_rate: 0.1 }), run('clipped', { loss_roughness: 0.1, clip_rate: 0.4 })]
    expect(rowOf('Loss roughness', runs)).toEqual([
      ['0.5', ''],
      ['0.1', '0.2×'],
    ])
    expect(rowOf('Clip rate', runs)?.[1]).toEqual(['40%', '+30 percentage points'])
  })
  it('says nothing where a run has no such measure', () => {
    expect(rowOf('Norm, p99', [run('a', {}), run('b', {})])).toEqual([
      ['–', ''],
      ['–', ''],
    ])
  })
})

describe('the roughness in words', () => {
  it('says how many times smoother or rougher, and is silent below a tenth', () => {
    const first = run('free', { loss_roughness: 0.5 })
    expect(roughnessSentences([first, run('clipped', { loss_roughness: 0.1 })])).toEqual([
      'clipped: the loss is 5× smoother than in free.',
    ])
    expect(roughnessSentences([first, run('hot', { loss_roughness: 1 })])[0]).toMatch(/2× rougher/)
    expect(roughnessSentences([first, run('same', { loss_roughness: 0.52 })])).toEqual([])
    expect(roughnessSentences([first, run('none', { loss_roughness: null })])).toEqual([])
  })
})

describe('the config differences', () => {
  it('lists the keys whose values differ, an absent one as a dash', () => {
    expect(
      configRows([
        { lr: 0.1, cap: 1, seed: 1 },
        { lr: 0.1, cap: { norm: 2 } },
      ]),
    ).toEqual({
      different: [
        { key: 'cap', values: ['1', '{"norm":2}'] },
        { key: 'seed', values: ['1', '–'] },
      ],
      equal: [{ key: 'lr', values: ['0.1', '0.1'] }],
    })
  })
  it('name nested keys by their path', () => {
    const rows = configRows([
      { optim: { lr: 1, betas: [1, 2] } },
      { optim: { lr: 2, betas: [1, 2] }, empty: {} },
    ])
    expect(rows.different).toEqual([
      { key: 'empty', values: ['–', '{}'] },
      { key: 'optim.lr', values: ['1', '2'] },
    ])
    expect(rows.equal).toEqual([{ key: 'optim.betas', values: ['[1,2]', '[1,2]'] }])
  })
})
