import type { Format } from '../../format.ts'
import { consoleLines, printedTime } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /Train: \[(\d+)\/\d+\]\[(\d+)\/(\d+)\]\s*(.*)/
const FIELD = /(?:^|\s)([a-z_]+) (\S+)(?: \((\S+?)\))?(?=\s|$)/g
/** Fields that are no metrics of the training. */
const PASSED = new Set(['eta', 'mem', 'time'])

/**
 * Logs of Swin, BEiT and their kin: `Train: [0/300][10/195]  lr 0.000001  loss 6.98 (6.97)  grad_norm 2.5 (2.6)`: the
 * value, and in brackets its running average, which is not taken. The batch restarts every epoch, so the step is
 * epoch × batches + batch.
 */
export const swin: Format = {
  name: 'swin',
  title: 'Swin Transformer, log_rank0.txt',
  score: ({ text }) => (ENTRY.test(text) ? 1 : /^\s*CLIP_GRAD:\s/m.test(text) ? 0.8 : 0),
  async read(stream, log) {
    const run = log.run()
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const match = ENTRY.exec(line)
        if (match === null) continue
        const [epoch, batch, batches] = match.slice(1, 4).map(Number) as [number, number, number]
        const entry = new Map<string, number>()
        for (const [, name, text] of (match[4] as string).matchAll(FIELD)) {
          const value = printedNumber(text as string)
          if (value !== undefined && !PASSED.has(name as string)) entry.set(name as string, value)
        }
        run.add(epoch * batches + batch, printedTime(line), entry)
      }
    log.note('Times are the log’s own, read as UTC.')
  },
}
