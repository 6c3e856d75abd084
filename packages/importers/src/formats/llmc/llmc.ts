import type { Format } from '../../format.ts'
import { printedNumber } from '../../text/numbers.ts'

const LINE = /^s:(\d+) trl:(\S+)(?: lr:(\S+))?(?: norm:(\S+))?/
const NAMES = ['loss', 'lr', 'grad_norm'] as const

/** llm.c `main.log`: `s:0 trl:11.0091 lr:0.000001 norm:15.37`; lines of validation (`tel:`) carry no norm. */
export const llmc: Format = {
  name: 'llmc',
  title: 'llm.c, main.log',
  score: ({ text }) => (/^s:\d+ (?:trl|tel|eval):/m.test(text) ? 1 : 0),
  async read(stream, log) {
    const run = log.run()
    for await (const lines of stream.lines())
      for (const line of lines) {
        const match = LINE.exec(line)
        if (match === null) continue
        const [, step, ...printed] = match
        const values = printed.map((text) => (text === undefined ? undefined : printedNumber(text)))
        const readings = NAMES.flatMap((name, i) =>
          values[i] === undefined ? [] : [[name, values[i]] as const],
        )
        run.add(Number(step), NaN, readings)
      }
    log.note('llm.c prints norms with two decimals and does not log its cap (1.0 in its source).')
  },
}
