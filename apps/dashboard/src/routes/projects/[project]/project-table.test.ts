import type { Run } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import {
  addressOfView,
  choicesOf,
  columnsOf,
  differingKeys,
  FIRST_VIEW,
  groupsOf,
  sorted,
  viewOfAddress,
  type Column,
} from './project-table.ts'

const run = (id: string, config: Record<string, unknown>, latest: Record<string, number> = {}) =>
  ({
    id,
    name: id,
    config,
    latest,
    clip: { mode: 'norm', max_norm: 2 },
    clipping: { rate: null },
    parts: [],
  }) as unknown as Run
const runs = [
  run('a', { optim: { lr: 1e-3 }, seed: 1 }, { loss: 2, grad_norm: 4 }),
  run('b', { optim: { lr: 1e-4 }, seed: 1 }, { loss: 1 }),
  run('c', { seed: 1 }, {}),
  run('d', { optim: { lr: 1e-3 }, seed: 1 }, { loss: 10 }),
]
const ids = (list: readonly Run[]) => list.map(({ id }) => id).join('')

describe('the table of a project', () => {
  const view = { ...FIRST_VIEW, columns: ['config:optim.lr', 'metric:loss'] }
  const column = (key: string) => columnsOf(view).find((one) => one.key === key) as Column

  it('has columns of config keys and metrics, and sorts by any, runs without a value last', () => {
    expect(column('config:optim.lr').wordsOf(runs[0] as Run)).toBe('0.001')
    expect(column('norm').wordsOf(runs[0] as Run)).toBe('2×')
    expect(column('norm').wordsOf(runs[1] as Run)).toBe('–')
    expect(ids(sorted(runs, column('metric:loss'), false))).toBe('badc')
    expect(ids(sorted(runs, column('metric:loss'), true))).toBe('dabc')
    expect(ids(sorted(runs, column('config:optim.lr'), false))).toBe('badc')
    expect(ids(sorted(runs, column('name'), true))).toBe('dcba')
  })
  it('groups by a config key, in the order of its values', () => {
    const groups = (isDown: boolean) =>
      groupsOf(runs, 'optim.lr', isDown).map(({ name, runs: own }) => [name, ids(own)])
    expect(groups(false)).toEqual([
      ['0.0001', 'b'],
      ['0.001', 'ad'],
      ['–', 'c'],
    ])
    expect(groups(true)).toEqual([
      ['0.001', 'ad'],
      ['0.0001', 'b'],
      ['–', 'c'],
    ])
    expect(groupsOf(runs, '', false)).toHaveLength(1)
    expect(differingKeys(runs)).toEqual(['optim.lr'])
    expect(choicesOf(runs)).toEqual({ config: ['optim.lr', 'seed'], metrics: ['grad_norm', 'loss'] })
  })
  it('is kept by its address, whatever else stands there', () => {
    for (const one of [FIRST_VIEW, { ...view, sort: 'config:optim.lr', isDown: true, group: 'optim.lr' }])
      expect(viewOfAddress(new URLSearchParams(addressOfView(one)))).toEqual(one)
    expect(viewOfAddress(new URLSearchParams('column=x&column=config:&sort=-'))).toEqual({
      ...FIRST_VIEW,
      isDown: true,
    })
    expect(addressOfView(FIRST_VIEW)).toBe('')
  })
})
