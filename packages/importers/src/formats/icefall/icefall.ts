import type { Format } from '../../format.ts'
import { consoleLines, printedTime } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const CLIPPING = /Clipping_scale=\S+, grad-norm quartiles (\S+) (\S+) (\S+) (\S+) (\S+), threshold=([^\s,]+)/
const BATCH = /Epoch (\d+), batch (\d+), loss\[loss=([^\s,]+)/

/**
 * icefall's console: batches with their loss, and now and then `Clipping_scale=2.0, grad-norm quartiles 1 2 3 4 5,
 * threshold=6, percent-clipped=1.0`. The median stands for the norm, and the threshold is the cap of that step.
 */
export const icefall: Format = {
  name: 'icefall',
  title: 'icefall, k2, console',
  score: ({ text }) => (CLIPPING.test(text) ? 1 : BATCH.test(text) ? 0.9 : 0),
  async read(stream, log) {
    let step = 0
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const batch = BATCH.exec(line)
        const loss = batch === null ? undefined : printedNumber(batch[3] as string)
        if (loss !== undefined) log.run().add(++step, printedTime(line), [['loss', loss]])
        const clipping = CLIPPING.exec(line)
        const [norm, cap] = [clipping?.[3], clipping?.[6]].map((text) => text && printedNumber(text))
        if (typeof norm !== 'number') continue
        const readings: [string, number][] = [['grad_norm', norm]]
        if (typeof cap === 'number' && cap > 0) readings.push(['max_norm', cap])
        log.run().add(++step, printedTime(line), readings)
      }
    log.note(
      'icefall prints quartiles instead of norms: the norm is the median, its moving threshold the cap.',
    )
    log.note('The lines do not say a step of the whole training: they are numbered from 1.')
  },
}
