import { expect, it } from 'vitest'
import { readLogText, type ImportedRun } from '../index.ts'

const NOTE = expect.stringContaining('cannot be negative')

it.each([
  ['a table', 'x.csv', 'step,loss,grad_norm\n1,2,0.5\n2,2,-1.0\n3,-2,0.5\n', {}],
  ['a table under a name of its own', 'x.csv', 'step,loss,gn\n1,2,0.5\n2,2,-1\n3,-2,0.5\n', { norm: 'gn' }],
  ['the console of HF', 'train.log', ['0.5', '-1.0', '0.5'].map(printed).join('\n'), {}],
])('a negative norm in %s is NaN, and a note says so', async (_, path, text, options) => {
  const [run] = (await readLogText(text, path, options)) as [ImportedRun]
  expect(run.points.metrics.get('grad_norm')?.values).toEqual(Float64Array.of(0.5, NaN, 0.5))
  expect([run.nonfinite.grad_norm, run.notes]).toEqual([1, expect.arrayContaining([NOTE])])
})

it('a negative loss stays, and a norm of 0 does', async () => {
  const [run] = (await readLogText('step,loss,grad_norm\n1,-2,0\n', 'x.csv')) as [ImportedRun]
  expect([...run.points.metrics].map(([, { values }]) => values[0])).toEqual([-2, 0])
  expect(run.notes).toEqual([])
})

function printed(norm: string): string {
  return `{'loss': 2.5, 'grad_norm': ${norm}, 'learning_rate': 5e-07}`
}
