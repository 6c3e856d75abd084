import { LAYER_PREFIX } from '@normwatch/protocol'
import type { Format } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { withoutColours } from '../../streams/carried.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /^step (\d+)\/(\d+) \([\d.]+%\) \| (.*)/
const STREAMS = /\bgrad_norm=\[([^\]]*)\]/
const OURS: Readonly<Record<string, string>> = { 'grad norm': 'grad_norm' }
/** Fields that are no metrics of the training. */
const PASSED = new Set(['epoch', 'total time', 'eta', 'dt'])

/**
 * nanochat's console: `step 00200/29232 (0.68%) | loss: 4.448 | grad norm: 0.52 | lrm: 1.00 | … | tok/sec: 144,822`. A fork
 * prints the norm of each stream on the line before, `grad_norm=[0.1, 0.06]`: layers, and their root sum of squares is
 * the whole norm where the line has none.
 */
export const nanochat: Format = {
  name: 'nanochat',
  title: 'nanochat, console',
  score: ({ text }) =>
    text.split('\n').some((line) => ENTRY.test(withoutColours(line)))
      ? 1
      : /\bnanochat\b/i.test(text)
        ? 0.7
        : 0,
  async read(stream, log) {
    let streams: number[] = []
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const listed = STREAMS.exec(line)?.[1]
        if (listed !== undefined) streams = listed.split(',').map((text) => printedNumber(text) ?? NaN)
        const resumed = /^Resuming optimization from step (\d+)/.exec(line)?.[1]
        if (resumed !== undefined) log.run().event(Number(resumed), `resumed at step ${resumed}`)
        const match = ENTRY.exec(line)
        if (match === null) continue
        const entry = new Map<string, number>()
        for (const field of (match[3] as string).split('|')) {
          const colon = field.indexOf(':')
          const name = field.slice(0, colon).trim()
          const value = printedNumber(field.slice(colon + 1).replace(/ms\s*$/, ''))
          if (value !== undefined && !PASSED.has(name)) entry.set(OURS[name] ?? name, value)
        }
        for (const [, name, text] of (match[3] as string).matchAll(/[(, ](adamw|muon):([^,)]+)/g)) {
          const value = printedNumber(text as string)
          if (value !== undefined) entry.set(name === 'adamw' ? 'lr' : `lr ${name}`, value)
        }
        streams.forEach((norm, i) => entry.set(`${LAYER_PREFIX}stream ${i}`, norm))
        if (streams.length > 0 && !entry.has('grad_norm')) {
          entry.set('grad_norm', Math.hypot(...streams))
          log.note(
            'The log prints no total norm: it is the root of the sum of squares of the streams’ norms.',
          )
        }
        streams = []
        log.run().add(Number(match[1]), NaN, entry)
      }
  },
}
