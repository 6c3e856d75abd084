import type { Format } from '../../format.ts'
import { clipOf } from '../../caps/clip-kind.ts'
import { consoleLines } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const CLIPPED = /Gradient clipping: scaling down gradients \(L2 norm ([^\s)]+) > ([^\s)]+)\)/
const ITERATION = /\bIteration (\d+)(?:[ ,(].*)?\bloss = (\S+)/

/** Caffe prints a norm only when it clips: which share of the steps that is cannot be known from the log. */
export const caffe: Format = {
  name: 'caffe',
  title: 'Caffe, console',
  score: ({ text }) => (CLIPPED.test(text) ? 1 : ITERATION.test(text) ? 0.8 : 0),
  async read(stream, log) {
    let next = 0
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const [, norm, cap] = CLIPPED.exec(line) ?? []
        const [, step, loss] = ITERATION.exec(line) ?? []
        if (step !== undefined) next = Number(step)
        const value = printedNumber(norm ?? loss ?? '')
        if (value === undefined) continue
        if (cap !== undefined && Number(cap) > 0) log.cap(clipOf(Number(cap)), 'the log’s clipping lines')
        log.run().add(next, NaN, [[norm === undefined ? 'loss' : 'grad_norm', value]])
      }
    log.note('Caffe prints a norm only when it clips: the share of steps over the cap cannot be known.')
  },
}
