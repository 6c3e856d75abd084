import type { Format } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /^Epoch (\d+) - \|param\|=(\S+) \|g_param\|=(\S+) loss=(\S+)/

/** simple-nmt's console: `Epoch 1 - |param|=6.01e+02 |g_param|=3.32e+05 loss=4.93e+00 ppl=137.87`, one line an epoch. */
export const simpleNmt: Format = {
  name: 'simple-nmt',
  title: 'simple-nmt, console',
  score: ({ text }) => (/^Epoch \d+ - \|param\|=/m.test(text) ? 1 : 0),
  async read(stream, log) {
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        if (/training start for \d+ epochs/.test(line)) log.nextRun()
        const match = ENTRY.exec(line)
        if (match === null) continue
        const [, epoch, , norm, loss] = match as unknown as [string, string, string, string, string]
        const readings = [
          ['grad_norm', printedNumber(norm)],
          ['loss', printedNumber(loss)],
        ] as const
        log.run().add(
          Number(epoch),
          NaN,
          readings.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
        )
      }
    log.note('This log counts epochs: they stand in for steps.')
    log.note('Norms of simple-nmt carry the fp16 loss scale: their absolute size means nothing.')
  },
}
