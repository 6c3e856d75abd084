import type { Format } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { withoutColours } from '../../streams/carried.ts'
import { printedNumber } from '../../text/numbers.ts'

const BAR = /\bSteps: +\d+%\|.{0,200}?\| (\d+)\/\d+ \[.{0,100}?[ ,](?:step_)?loss=/
const FIELD = /[ ,](loss|step_loss|lr)=([^\s,\]]+)/g

/**
 * The progress bar of Diffusers' examples: `Steps:   1%|▏ | 20/1500 [00:20<25:00, 1.0it/s, lr=1e-05, step_loss=0.123]`. It has no
 * gradient norm. The bar is printed several times a step, first with the loss of the step before: the last one counts.
 */
export const diffusers: Format = {
  name: 'diffusers',
  title: 'Diffusers examples, console (no gradient norm)',
  score: ({ text }) =>
    withoutColours(text)
      .split(/[\r\n]+/)
      .some((line) => BAR.test(line))
      ? 0.9
      : 0,
  async read(stream, log) {
    let step: number | undefined
    let entry = new Map<string, number>()
    const close = (): void => {
      if (step !== undefined) log.run().add(step, NaN, entry)
    }
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const at = BAR.exec(line)?.[1]
        if (at === undefined) continue
        if (Number(at) !== step) close()
        step = Number(at)
        entry = new Map()
        for (const [, name, text = ''] of line.matchAll(FIELD)) {
          const value = printedNumber(text)
          if (value !== undefined) entry.set(name === 'step_loss' ? 'loss' : (name as string), value)
        }
      }
    close()
  },
}
