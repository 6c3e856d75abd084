import type { Format } from '../../format.ts'
import { consoleLines, hasBlock } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const HEADING = /\[step=(\d+)\/[^,\]]+,epoch=\d+[^\]]*\]\s*$/
const ROW = /^\s+([^=\s][^=]*)=(\S+)\s*$/

/** OLMo's and OLMo-core's console: `[step=1/739328,epoch=0]`, then a block of `    optim/total_grad_norm=14.83`, `    train/CE loss=11.47`. */
export const olmo: Format = {
  name: 'olmo',
  title: 'OLMo and OLMo-core, console',
  score: ({ text }) => (hasBlock(text, HEADING, ROW) ? 0.95 : 0),
  async read(stream, log) {
    let step: number | undefined
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const heading = HEADING.exec(line)?.[1]
        const [, name, text = ''] = ROW.exec(line) ?? []
        if (heading !== undefined) step = Number(heading)
        // a block of an evaluation has another heading
        else if (name === undefined) step = undefined
        const value = printedNumber(text)
        if (step === undefined || name === undefined || value === undefined) continue
        log.run().add(step, NaN, [[name.trim(), value]])
      }
  },
}
