import { expect, it } from 'vitest'
import { readLogText, type ImportedRun } from '../../index.ts'

const entry = (loss: number, more = ''): string => `{'loss': ${loss}, 'grad_norm': 0.5${more}}`
const atEpoch = (epoch: number, loss = 2.5): string => entry(loss, `, 'epoch': ${epoch.toFixed(2)}`)

async function runsOf(...lines: readonly string[]): Promise<readonly ImportedRun[]> {
  return readLogText(lines.join('\n'), 'train.log', { format: 'hf-console' })
}

async function stepsOf(...lines: readonly string[]): Promise<number[][]> {
  return (await runsOf(...lines)).map(({ points }) => [...points.step])
}

it('keeps every entry where the epoch is printed rounded, at about its step', async () => {
  const entries = Array.from({ length: 199 }, (_, i) => atEpoch((i + 1) * 0.005, i + 1))
  const [run] = (await runsOf('Num Epochs = 3', 'Total optimization steps = 3,000', ...entries)) as [
    ImportedRun,
  ]
  expect([...(run.points.metrics.get('loss')?.values ?? [])]).toEqual(entries.map((_, i) => i + 1))
  run.points.step.forEach((step, i) => expect(Math.abs(step - 5 * (i + 1))).toBeLessThanOrEqual(10))
})

it.each([
  ['in the entry', [entry(2, ", 'step': 10"), entry(1, ", 'step': 20")], [10, 20]],
  [
    'as ms-swift does',
    ['1/93', '5/93', '10/93'].map((at) => entry(2, `, 'global_step/max_steps': '${at}'`)),
    [1, 5, 10],
  ],
  ['before the entry', [`step 10: ${entry(2)}`, `step 1,020: ${entry(1)}`], [10, 1020]],
])('takes the step that a console says %s, and has no note that it does not', async (_, lines, steps) => {
  const [run] = (await runsOf('logging_steps=5', ...lines)) as [ImportedRun]
  expect([...run.points.step]).toEqual(steps)
  expect([...run.points.metrics.keys()]).toEqual(['loss', 'grad_norm'])
  expect(run.notes).toEqual([])
})

it('counts the entry of the first step where logging_first_step asks for one', async () => {
  const settings = ['logging_first_step=True,', 'logging_steps=10,']
  expect(await stepsOf(...settings, entry(3), entry(2), entry(1))).toEqual([[1, 10, 20]])
})

it('goes on from the step after which a training was resumed', async () => {
  const head = ['logging_steps=10', 'Total optimization steps = 300']
  const resumed = '  Continuing training from global step 105'
  expect(await stepsOf(...head, resumed, atEpoch(1), atEpoch(1.1))).toEqual([[110, 120]])
  const both = [
    ...head,
    atEpoch(0.9),
    atEpoch(1),
    ...head,
    '  Continuing training from global step 10',
    atEpoch(1),
  ]
  expect(await stepsOf(...both)).toEqual([[10, 20]])
})

it('each training of a console has its own logging_steps', async () => {
  const first = ['logging_steps=10', 'Total optimization steps = 300', atEpoch(0.1), atEpoch(0.2)]
  const second = ['logging_steps=5', 'Total optimization steps = 300', atEpoch(0.2), atEpoch(0.3)]
  expect(await stepsOf(...first, ...second)).toEqual([
    [10, 20],
    [5, 10],
  ])
})

it('makes one row of an entry that LLaMA-Factory prints beside the Trainer, in either order', async () => {
  const echo = (loss: string): string =>
    `[INFO|2025-01-02 03:04:05] llamafactory.train.callbacks:143 >> {'loss': ${loss}, 'learning_rate': 5.0000e-05, 'epoch': 0.02}`
  const own = (loss: number): string => entry(loss, ", 'epoch': 0.02")
  for (const lines of [
    [echo('1.2346'), own(1.23456), echo('2.5'), own(2.5)],
    [own(1.23456), echo('1.2346'), own(2.5), echo('2.5')],
  ]) {
    const [run] = (await runsOf('logging_steps=10', ...lines)) as [ImportedRun]
    expect([...run.points.step]).toEqual([10, 20])
    expect(run.points.metrics.get('loss')?.values).toEqual(Float64Array.of(1.23456, 2.5))
  }
})
