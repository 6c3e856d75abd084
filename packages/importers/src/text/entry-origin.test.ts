import { expect, it } from 'vitest'
import { readLogText, type ImportedRun } from '../index.ts'
import { ONE_RANK } from './entry-origin.ts'

const lossesOf = ({ points }: ImportedRun): number[] => [...(points.metrics.get('loss')?.values ?? [])]

it.each([
  ['mode', 'val'],
  ['split', 'validation'],
  ['phase', 'Eval'],
  ['stage', 'test'],
  ['subset', 'dev'],
])('an entry of an evaluation does not change the loss of its step: %s is %s', async (field, word) => {
  const [run] = await readLogText(
    `step,loss,grad_norm,${field}\n1,2,1,train\n1,9,,${word}\n2,3,1,train\n3,4,1,sft\n`,
    'x.csv',
  )
  expect(lossesOf(run as ImportedRun)).toEqual([2, 3, 4])
})

it('of several processes in one log one is kept, and a note says so', async () => {
  const rows = [1, 2, 3].flatMap((step) => [0, 1].map((rank) => `${step},${rank},${rank + 2},1`))
  const runs = await readLogText(['step,rank,loss,grad_norm', ...rows].join('\n'), 'x.csv')
  expect(runs.map(lossesOf)).toEqual([[2, 2, 2]])
  expect(runs[0]?.notes).toContain(ONE_RANK)
})

it('a metric called rank is no process', async () => {
  const runs = await readLogText('step,rank,loss\n1,30,2\n2,31,3\n3,29.5,4\n', 'x.csv')
  expect(runs.map(lossesOf)).toEqual([[2, 3, 4]])
})

it('makes a run of each run_id, also of rows that alternate, each called by it', async () => {
  const rows = [1, 2].flatMap((step) =>
    ['a', 'b'].map((id) => `{"run_id": "${id}", "step": ${step}, "loss": ${step}}`),
  )
  const runs = await readLogText(rows.join('\n'), 'x.jsonl')
  expect(runs.map((run) => [run.name, lossesOf(run)])).toEqual([
    ['a', [1, 2]],
    ['b', [1, 2]],
  ])
  const [other] = await readLogText(rows.join('\n'), 'y.jsonl')
  expect(new Set([...runs, other].map((run) => run?.id)).size).toBe(3)
})

it.each(['lr-SGD', 'lr-AdamW/pg1', 'lr-Lion'])(
  'a learning rate in rows of its own, as Lightning’s monitor writes them, joins its step: %s',
  async (name) => {
    const text = `epoch,grad_norm,${name},step,train_loss\n,,0.1,9,\n0,1,,9,2\n,,0.05,19,\n0,1,,19,3\n`
    const [run] = (await readLogText(text, 'lightning_logs/version_0/metrics.csv')) as [ImportedRun]
    expect([[...run.points.step], lossesOf(run), run.points.metrics.get('lr')?.values]).toEqual([
      [9, 19],
      [2, 3],
      Float64Array.of(0.1, 0.05),
    ])
    expect(run.notes).toEqual([])
  },
)
