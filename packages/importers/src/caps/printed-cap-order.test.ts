import { describe, expect, it } from 'vitest'
import { inChunks } from '../../test/recorded-logs.ts'
import { readLive, readLog } from '../index.ts'

const iterations = (norm: number): string =>
  Array.from(
    { length: 30 },
    (_, i) => ` iteration ${i + 1}/ 30 | lm loss: 2.0E+00 | grad norm: ${norm} |\n`,
  ).join('')
const entries = (norm: number): string =>
  Array.from(
    { length: 40 },
    (_, i) => `{'loss': 2.0, 'grad_norm': ${norm}, 'learning_rate': 1e-05, 'epoch': ${(i + 1) / 40}}\n`,
  ).join('')

const LOGS: readonly (readonly [what: string, text: string, caps: readonly (number | undefined)[]])[] = [
  [
    'each run has the cap printed before it',
    `  clip_grad ...... 1.0\n${iterations(0.8)}  clip_grad ...... 0.5\n${iterations(0.7)}`,
    [1, 0.5],
  ],
  [
    'a run that is started again with another cap leaves that of the first alone',
    `max_grad_norm=1.0,\n${entries(0.5)}max_grad_norm=0.1,\n${entries(0.05)}`,
    [1, 0.1],
  ],
  [
    'a cap printed after the last row changes nothing where there is one',
    `max_grad_norm=1.0,\n${entries(0.5)}gradient_clipping: 2.0\n`,
    [1],
  ],
  [
    'a cap printed after the last row is of the run before it where it has none',
    `${iterations(0.8)}  clip_grad ...... 0.5\n`,
    [0.5],
  ],
  [
    'a cap printed between two runs is of the second alone',
    `${iterations(0.8)}  clip_grad ...... 0.5\n${iterations(0.7)}`,
    [undefined, 0.5],
  ],
  [
    'a launch that printed no row gives way to the next',
    `max_grad_norm=1.0,\nmax_grad_norm=0.1,\n${entries(0.05)}`,
    [0.1],
  ],
  [
    'of two settings before the first row the first counts',
    `max_grad_norm=1.0,\ngradient_clipping: 2.0\n${entries(0.5)}`,
    [1],
  ],
]

describe('the order of caps and rows', () => {
  it.each(LOGS)('%s, however the text comes', async (_, text, expected) => {
    const bytes = new TextEncoder().encode(text)
    const line = text.indexOf('\n') + 1
    for (const size of [1, line, 4096, bytes.length]) {
      const runs = await readLog(inChunks(bytes, size), 'train.log')
      expect(runs.map(({ clip }) => (clip?.mode === 'norm' ? clip.max_norm : undefined))).toEqual(expected)
    }
  })

  it('is the same where a log is followed line by line', async () => {
    const [[, text]] = LOGS as [(typeof LOGS)[number]]
    const lines = text.split(/(?<=\n)/)
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (const line of lines) yield new TextEncoder().encode(line)
    }
    const caps = new Map<string, unknown>()
    await readLive(chunks(), 'train.log', 'x', {}, async ({ run }) => void caps.set(run.id, run.clip))
    expect([...caps.values()]).toMatchObject([{ max_norm: 1 }, { max_norm: 0.5 }])
  })
})
