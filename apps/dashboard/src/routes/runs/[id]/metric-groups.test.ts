import { expect, it } from 'vitest'
import { metricGroups } from './metric-groups.ts'

const METRICS = ['lr', 'actor/kl', 'critic/loss', 'actor/lr', 'gpu/10', 'gpu/9', 'actor/deep/x']

it('groups metrics by what stands before the first slash, numbers counted', () => {
  expect(metricGroups(METRICS, '')).toEqual([
    { name: '', metrics: ['lr'] },
    { name: 'actor', metrics: ['actor/deep/x', 'actor/kl', 'actor/lr'] },
    { name: 'critic', metrics: ['critic/loss'] },
    { name: 'gpu', metrics: ['gpu/9', 'gpu/10'] },
  ])
})

it('finds metrics by any words of their names, in any case', () => {
  expect(metricGroups(METRICS, 'LR act')).toEqual([{ name: 'actor', metrics: ['actor/lr'] }])
  expect(metricGroups(METRICS, 'nothing')).toEqual([])
})
