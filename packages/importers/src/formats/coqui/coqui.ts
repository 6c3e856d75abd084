import type { Format } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const STEP = /--> STEP: \d+\/\d+ -- GLOBAL_STEP: (\d+)/
const FIELD = /^\s*\|\s*> ([\w ]+): (\S+)\s+\(/

/** Coqui TTS: `--> STEP: 24/405 -- GLOBAL_STEP: 25`, then a block of `| > grad_norm_0: 12.3  (11.9)`: value, and its average in brackets. */
export const coqui: Format = {
  name: 'coqui',
  title: 'Coqui TTS, console',
  score: ({ text }) => (STEP.test(text) ? 1 : 0),
  async read(stream, log) {
    let step: number | undefined
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const at = STEP.exec(line)?.[1]
        if (at !== undefined) step = Number(at)
        else if (/EVALUATION|--> EVAL/.test(line)) step = undefined
        const [, name, text] = FIELD.exec(line) ?? []
        const value = text === undefined ? undefined : printedNumber(text)
        if (step !== undefined && name !== undefined && value !== undefined)
          log.run().add(step, NaN, [[name === 'current_lr' ? 'lr' : name, value]])
      }
  },
}
