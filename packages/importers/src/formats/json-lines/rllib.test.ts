import { expect, it } from 'vitest'
import { readLogText } from '../../index.ts'

const learners = { p0: { gradients_default_optimizer_global_norm: 5.25, total_loss: 2.5 } }
const older = { learner: { p0: { learner_stats: { grad_gnorm: 0.5, total_loss: 2.5 } } } }
const byNorm = { grad_clip: 0.5, grad_clip_by: 'global_norm' }
const cap = { mode: 'norm', max_norm: 0.5 }

it.each([
  ['taken where it clips by the global norm', { learners, config: byNorm }, cap],
  ['off where it is 0', { learners, config: { ...byNorm, grad_clip: 0 } }, { mode: 'none' }],
  ['none where it clips values', { learners, config: { ...byNorm, grad_clip_by: 'value' } }, undefined],
  ['none where there is none', { learners, config: { ...byNorm, grad_clip: null } }, undefined],
  [
    'none of one of several policies',
    { learners, config: { ...byNorm, policies: { a: 1, b: 2 } } },
    undefined,
  ],
  ['none of norms that are logged after clipping', { info: older, config: byNorm }, undefined],
])('the grad_clip of an RLlib result is %s', async (_, result, expected) => {
  const text = JSON.stringify({ training_iteration: 50, ...result })
  const [run] = await readLogText(text, 'ray_results/PPO/result.json')
  expect(run?.points.step[0]).toBe(50)
  expect(run?.clip).toEqual(expected)
})

it('the grad_gnorm of RLlib’s older stack is the norm after clipping where it clips, else the norm', async () => {
  const read = async (grad_clip: number | null) => {
    const result = { training_iteration: 50, info: older, config: { grad_clip } }
    const [run] = await readLogText(JSON.stringify(result), 'ray_results/PPO/result.json')
    const { metrics } = run?.points ?? {}
    return [metrics?.get('grad_norm')?.values[0], metrics?.get('post_norm')?.values[0], run?.notes]
  }
  expect(await read(null)).toEqual([0.5, undefined, []])
  expect(await read(0.5)).toEqual([
    undefined,
    0.5,
    [expect.stringContaining('min(norm, grad_clip)'), 'This log has no gradient norms from before clipping.'],
  ])
})
