import type { Format } from '../../format.ts'
import { printedNumber } from '../../text/numbers.ts'

const LINE = /^s:(\d+) trl:(\S+)(?: lr:(\S+))?(?: norm:(\S+))?/
/** What it prints: `step 1/19560 | loss 11.009 (+nanz)| norm 15.37 (+nanz)| lr 8.57e-07 | …`. */
const PRINTED = /^step\s+(\d+)\/\d+ \| loss (\S+) \([^)]*\)\| norm (\S+) \([^)]*\)\| lr (\S+)/
const PRINTED_LINE = new RegExp(PRINTED, 'm')
const NAMES = ['loss', 'lr', 'grad_norm'] as const
const PRINTED_NAMES = ['loss', 'grad_norm', 'lr'] as const

/** llm.c `main.log`: `s:0 trl:11.0091 lr:0.000001 norm:15.37`; lines of validation (`tel:`) carry no norm. */
export const llmc: Format = {
  name: 'llmc',
  title: 'llm.c, main.log and console',
  score: ({ text }) => (/^s:\d+ (?:trl|tel|eval):/m.test(text) || PRINTED_LINE.test(text) ? 1 : 0),
  async read(stream, log) {
    const run = log.run()
    for await (const lines of stream.lines())
      for (const line of lines) {
        const printedLine = PRINTED.exec(line)
        const match = printedLine ?? LINE.exec(line)
        if (match === null) continue
        const names = printedLine === null ? NAMES : PRINTED_NAMES
        const [, step, ...printed] = match
        const values = printed.map((text) => (text === undefined ? undefined : printedNumber(text)))
        const readings = names.flatMap((name, i) =>
          values[i] === undefined ? [] : [[name, values[i]] as const],
        )
        run.add(Number(step), NaN, readings)
      }
    log.note('llm.c prints norms with two decimals and does not log its cap (1.0 in its source).')
  },
}
