import { describe, expect, it } from 'vitest'
import { KeptRuns } from '../../test/kept-runs.ts'
import { importLogs, RunSender, type Outcome, type Passed } from '../index.ts'
import { recognise } from '../read-log.ts'
import { headOf } from '../streams/log-stream.ts'
import type { ImportOptions } from './import-log.ts'

/** Imports a text as the command imports a file. */
async function importText(
  server: KeptRuns,
  path: string,
  text: string,
  options: Partial<ImportOptions> = {},
): Promise<{ outcomes: Outcome[]; passed: Passed[] }> {
  const bytes = new TextEncoder().encode(text)
  const format = recognise(headOf(bytes), path).name
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  const passed: Passed[] = []
  const outcomes = await importLogs(
    [{ path, format, files: [{ path, chunks }], isRewritten: false }],
    new RunSender(server, { project: undefined, name: undefined, tags: [] }),
    {
      withoutNorms: false,
      besideOf: () => () => Promise.resolve(undefined),
      isFileError: (error): error is Error => error instanceof RangeError,
      ...options,
    },
    passed,
  )
  return { outcomes, passed }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const GROWING: readonly (readonly [format: string, path: string, line: (step: number) => string])[] = [
  ['table', 'metrics.csv', (step) => `${step},2.0,1${step}.5`],
  ['megatron', 'train.log', (step) => ` iteration ${step}/ 100 | lm loss: 9.0E+00 | grad norm: 1${step}.5`],
  ['torchtitan', 'train.log', (step) => `step: ${step}  loss:  8.2  grad_norm:  1${step}.5`],
]

describe('a log that was cut off within its last line when it was imported', () => {
  it.each(GROWING)('has the whole reading once it has grown (%s)', async (format, path, line) => {
    const head = format === 'table' ? 'step,loss,grad_norm\n' : ''
    const text = (to: number): string =>
      head +
      range(1, to)
        .map((step) => `${line(step)}\n`)
        .join('')
    for (const to of [10, 15]) {
      const server = new KeptRuns()
      await importText(server, path, text(10).slice(0, -4))
      const { outcomes } = await importText(server, path, text(to))
      const [run = ''] = server.runs
      expect(server.readings(run, 'grad_norm')).toEqual(
        range(1, to).map((step) => [step, Number(`1${step}.5`)]),
      )
      expect([outcomes[0]?.added, server.statuses.get(run)]).toEqual([to - 10, 'finished'])
    }
  })

  it('keeps its last row where no line end follows', async () => {
    const server = new KeptRuns()
    await importText(server, 'metrics.csv', 'step,loss,grad_norm\n1,2.0,3.5\n2,2.0,4.5')
    expect(server.readings(server.runs[0] ?? '', 'grad_norm')).toEqual([
      [1, 3.5],
      [2, 4.5],
    ])
  })
})
