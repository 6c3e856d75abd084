import { LAYER_PREFIX } from '@normwatch/protocol'
import type { Format, LogWriter } from '../../format.ts'
import { clipOf } from '../../caps/clip-kind.ts'
import { consoleLines, hasBlock } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const HEADING = /^(?:\[epoch=(?<epoch>\d+)\])?\[(?<unit>\w+)=(?<at>\d+)(?:\/(?<total>\d+))?\]:?\s*$/
const ROW = /^\s+Train (\S+): (\S+)\s*$/
const CLIPPING = /^[\s-]*clipping_(threshold|type): ['"]?([\w.+-]+)/
const GLOBAL_NORM = 'l2_norm/grad/global'
const LAYER_NORM = 'l2_norm/grad/'
/** Rows of a block that wait for its step. */
const MAX_WAITING = 1000

/**
 * MosaicML Composer's console logger: `[batch=5/100]:` or `[epoch=1][batch=5/100]:`, then a block of `Train loss/train/total: 2.5`.
 * Where the training counts in tokens or samples, the step is the block's `time/batch` + 1, as that is logged when a batch begins.
 * The gradient norm is that of the OptimizerMonitor, which measures at the end of a batch: after Composer has clipped.
 */
export const composer: Format = {
  name: 'composer',
  title: 'MosaicML Composer, console (a gradient norm with its OptimizerMonitor)',
  score: ({ text }) => (hasBlock(text, HEADING, ROW) ? 0.95 : 0),
  async read(stream, log) {
    const clipping = new Clipping(log)
    let step: number | undefined
    let waiting: [name: string, value: number][] = []
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const heading = HEADING.exec(line)?.groups
        if (heading !== undefined) {
          step = stepOf(heading)
          waiting = []
          continue
        }
        const [, name, text = ''] = ROW.exec(line) ?? []
        if (name === undefined) clipping.read(line)
        const value = printedNumber(text)
        if (name === undefined || value === undefined) continue
        if (step === undefined && name === 'time/batch') step = value + 1
        const ours = nameOf(name, clipping.isOn)
        if (ours !== undefined && waiting.length < MAX_WAITING) waiting.push([ours, value])
        if (name === GLOBAL_NORM) log.note(clipping.isOn ? AFTER_CLIPPING : IF_CLIPPED)
        if (step === undefined) continue
        if (waiting.length > 0) log.run().add(step, NaN, waiting)
        waiting = []
      }
    log.note('Composer prints four decimals: small learning rates show as 0.')
  },
}

const AFTER_CLIPPING = 'Composer measures its norm after it has clipped: it is kept as post_norm.'
const IF_CLIPPED =
  'Composer measures this norm after its GradientClipping. If that was used, say so with --max-norm: the norm is then kept as post_norm.'

/** Whether the training clips, which only a printed configuration or the caller says. */
class Clipping {
  isOn: boolean
  readonly #log: LogWriter
  #threshold: number | undefined

  constructor(log: LogWriter) {
    this.#log = log
    this.isOn = log.options.maxNorm !== undefined
  }

  /** YAML of the algorithm: `clipping_threshold: 1.0`, then `clipping_type: norm`. By value or adaptively there is no cap of the norm. */
  read(line: string): void {
    const [, key, text = ''] = CLIPPING.exec(line) ?? []
    if (key === 'threshold') this.#threshold = printedNumber(text)
    if (this.#threshold === undefined) return
    this.isOn = true
    if (key === 'type' && text === 'norm')
      this.#log.cap(clipOf(this.#threshold), 'clipping_threshold in the log')
  }
}

function stepOf({ epoch, unit, at, total }: Record<string, string | undefined>): number | undefined {
  if (unit !== 'batch') return undefined
  if (epoch === undefined) return Number(at)
  return total === undefined ? undefined : (Number(epoch) - 1) * Number(total) + Number(at)
}

/** Norms of single weights are those of layers; where the training clips, they too were measured after it. */
function nameOf(name: string, isClipped: boolean): string | undefined {
  if (name === GLOBAL_NORM) return isClipped ? 'post_norm' : 'grad_norm'
  if (name.startsWith(LAYER_NORM))
    return isClipped ? undefined : `${LAYER_PREFIX}${name.slice(LAYER_NORM.length)}`
  if (name === 'loss/train/total') return 'loss'
  if (/^lr-[^/]+\/group0$/.test(name)) return 'lr'
  return name.startsWith('time/') ? undefined : name
}
