import type { Format, LogWriter } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { COUNTED_ON, EpochSteps } from '../../runs/epoch-steps.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /(?:^|[\s\]])iteration\s+(\d+)\s*\/\s*\d+\s*\|(.*)/
/** NeMo counts iterations within an epoch. */
const EPOCH = /\bepoch\s+(\d+),\s*$/
const OURS: Readonly<Record<string, string>> = {
  'grad norm': 'grad_norm',
  'lm loss': 'loss',
  'lm-loss': 'loss',
  lm_loss: 'loss',
  loss: 'loss',
  reduced_train_loss: 'loss',
  'learning rate': 'lr',
  lr: 'lr',
  'loss scale': 'loss_scale',
}

/**
 * Megatron-LM, Megatron-DeepSpeed and NeMo standard output, also quoted in a diary: `iteration 30/ 1000 | lm loss: 2.6E+01 |
 * loss scale: 16384.0 | grad norm: 67.033 | …`. Every rank may print the same line. A skipped step has no loss, and
 * repeats the norm of the step before it, if it prints one: such a norm is not taken, but for a NaN, which is a reading.
 */
export const megatron: Format = {
  name: 'megatron',
  title: 'Megatron-LM, Megatron-DeepSpeed, NeMo, console',
  score: ({ text }) => {
    if (text.split('\n').some((line) => ENTRY.test(line))) return 0.95
    return /--?-? end of arguments -|^\s*(?:\[default\d+\]:\s*)?tensor_model_parallel_size\s*\.{3,}/m.test(
      text,
    )
      ? 0.8
      : 0.5 * Number(/megatron/i.test(text))
  },
  async read(stream, log) {
    const reader = new Iterations(log)
    const entries = new WrappedEntries()
    const read = (line: string): void => {
      let before = ''
      // a buffered console can put several iterations on one line
      for (const piece of line.split(/(?=(?:^|[\s\]])iteration\s+\d+\s*\/)/)) {
        const match = ENTRY.exec(piece)
        if (match !== null) reader.add(EPOCH.exec(before)?.[1], Number(match[1]), match[2] as string)
        before = piece
      }
    }
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) for (const whole of entries.join(line)) read(whole)
    read(entries.rest)
    reader.finish()
  },
}

/** Puts the iterations into their run and counts what it leaves out. */
class Iterations {
  readonly #log: LogWriter
  #stepBefore = 0
  readonly #epochs = new EpochSteps()
  #zeros = 0
  #repeated = 0

  constructor(log: LogWriter) {
    this.#log = log
  }

  add(epoch: string | undefined, iteration: number, rest: string): void {
    const entry = new Map<string, number>()
    for (const field of rest.split('|')) {
      const colon = field.lastIndexOf(':')
      const value = colon < 0 ? undefined : printedNumber(field.slice(colon + 1))
      const name = field.slice(0, colon).trim()
      if (value !== undefined && name !== '') entry.set(OURS[name] ?? name, value)
    }
    const step = this.#inRun(epoch, iteration, entry)
    const norm = entry.get('grad_norm')
    const hasLoss = entry.has('loss')
    if (norm === 0) {
      this.#zeros++
      entry.delete('grad_norm')
    } else if (norm !== undefined && !hasLoss && Number.isFinite(norm)) {
      this.#repeated++
      entry.delete('grad_norm')
    }
    const nans = entry.get('number of nan iterations') ?? 0
    if (!hasLoss && nans > 0) entry.set('loss', NaN)
    const skipped = entry.get('number of skipped iterations')
    // An entry stands for all iterations since the one before: it was skipped only if all of them were.
    const span = Math.max(1, step - this.#stepBefore)
    if (skipped !== undefined) entry.set('skipped', skipped >= span ? 1 : 0)
    this.#stepBefore = step
    this.#log.run().add(step, NaN, entry)
  }

  #inRun(epoch: string | undefined, iteration: number, entry: Map<string, number>): number {
    const ofRun = entry.get('global_step')
    entry.delete('global_step')
    if (ofRun !== undefined || epoch === undefined) return ofRun ?? iteration
    const { step, isCountedOn } = this.#epochs.at(Number(epoch), iteration, () => true)
    if (isCountedOn) this.#log.note(COUNTED_ON)
    return step
  }

  finish(): void {
    if (this.#zeros > 0)
      this.#log.note(
        `${this.#zeros} norms printed as 0.000 were left out: Megatron prints that where the norm is not reported.`,
      )
    if (this.#repeated > 0)
      this.#log.note(
        `${this.#repeated} norms of skipped steps were left out: Megatron repeats the one before.`,
      )
  }
}

/** Joins the lines of an entry that was wrapped when it was pasted into a diary: an entry ends with a bar. */
class WrappedEntries {
  #open: string | undefined

  /** What has come to its end with this line. */
  join(line: string): string[] {
    const isEntry = ENTRY.test(line)
    const open = this.#open
    if (open !== undefined && !isEntry && line.includes('|') && open.length < 65_536) {
      this.#open = `${open} ${line.trim()}`
      return []
    }
    this.#open = isEntry && !line.trimEnd().endsWith('|') ? line : undefined
    return [...(open === undefined ? [] : [open]), ...(this.#open === undefined ? [line] : [])]
  }

  /** What was open when the log ended. */
  get rest(): string {
    return this.#open ?? ''
  }
}
