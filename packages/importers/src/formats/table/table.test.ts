import { describe, expect, it } from 'vitest'
import { readLogText, type ImportedRun } from '../../index.ts'

async function only(text: string, path = 'metrics.csv'): Promise<ImportedRun> {
  const runs = await readLogText(text, path)
  expect(runs).toHaveLength(1)
  return runs[0] as ImportedRun
}

function column({ points }: ImportedRun, name: string): number[] {
  const metric = points.metrics.get(name)
  return [...(metric?.values ?? [])].filter((_, i) => metric?.present?.[i] !== 0)
}

describe('a table with decimal commas', () => {
  it.each([
    ['semicolons', ';', 'metrics.csv'],
    ['tabs', '\t', 'metrics.tsv'],
  ])('has the numbers that were meant, between %s', async (_, separator, path) => {
    const rows = ['step;loss;grad_norm;lr', '1;2;1,100;1', '2;1,9;1,250;0,0001', '3;1,8;0,125;1,5e-05']
    const run = await only(rows.join('\n').replaceAll(';', separator), path)
    expect(column(run, 'grad_norm')).toEqual([1.1, 1.25, 0.125])
    expect(column(run, 'loss')).toEqual([2, 1.9, 1.8])
    expect(column(run, 'lr')).toEqual([1, 0.0001, 1.5e-5])
  })

  it('has points between its thousands', async () => {
    const run = await only('step;loss;grad_norm\n1;1,9;1.234,5\n2;1,9;2,5\n')
    expect(column(run, 'grad_norm')).toEqual([1234.5, 2.5])
  })

  it('is read so within quotes too', async () => {
    const run = await only('step,loss,grad_norm\n1,"1,9","1,100"\n')
    expect([column(run, 'loss'), column(run, 'grad_norm')]).toEqual([[1.9], [1.1]])
  })
})

it('a table with decimal points has commas between its thousands', async () => {
  const run = await only('step;loss;grad_norm\n1;2.5;1,100\n2;2.5;2,125.5\n')
  expect(column(run, 'grad_norm')).toEqual([1100, 2125.5])
})

it('numbers of a table that may mean either are left out, and a note names one', async () => {
  const undecided = await only('step;loss;grad_norm\n1;2;1,100\n2;3;4\n')
  expect([column(undecided, 'loss'), column(undecided, 'grad_norm')]).toEqual([[2, 3], [4]])
  expect(undecided.notes.join(' ')).toContain('1 numbers such as 1,100 were left out')
  const contradictory = await only('step;loss;grad_norm;lr\n1;1,9;1,5;0.1\n2;1,9;1,100;0.1\n')
  expect([column(contradictory, 'loss'), column(contradictory, 'grad_norm')]).toEqual([[1.9, 1.9], [1.5]])
})

it('a row of names is a new header, whatever the order of its columns', async () => {
  const run = await only(
    'step,loss,grad_norm\n1,2.5,10\n2,2.4,11\nstep,grad_norm,lr,loss\n3,12,0.1,2.3\n4,13,0.1,2.2\n',
  )
  expect([...run.points.step]).toEqual([1, 2, 3, 4])
  expect([column(run, 'loss'), column(run, 'grad_norm')]).toEqual([
    [2.5, 2.4, 2.3, 2.2],
    [10, 11, 12, 13],
  ])
})
