import type { Format, LogWriter } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { Entries, hasStep } from '../../text/entries.ts'
import { printedNumber } from '../../text/numbers.ts'
import { Announcement, LOGGING_STEPS, type Announced } from './announced.ts'
import { StepReckoning } from './step-reckoning.ts'

const ENTRY = /\{('(?:loss|grad_norm)': .*?)\}/
const FIELD = /'([^']+)': ('[^']*'|[^,]+)/g
const STEP_BEFORE = /\bstep\s*[:=]?\s*(\d[\d,]*)\s*[:|,-]?\s*$/i
/** LLaMA-Factory's own line of an entry that the Trainer prints, too: `[INFO|…] … >> {'loss': …}`. */
const ECHO = />>\s*$/

type Entry = Record<string, string>

/**
 * What the HF Trainer prints: `{'loss': 2.4977, 'grad_norm': 11.0, 'learning_rate': 5.7e-07, 'epoch': 0.0}`. Most of these lines do
 * not say their step, and the progress bar beside them comes late: then it is reckoned from what the training announced.
 */
export const hfConsole: Format = {
  name: 'hf-console',
  title: 'Hugging Face Trainer, TRL and others, console',
  score: ({ text }) => (ENTRY.test(text) ? 0.9 : LOGGING_STEPS.test(text) ? 0.55 : 0),
  async read(stream, log) {
    const trainings = new Trainings(log)
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const match = ENTRY.exec(line)
        if (match === null) {
          trainings.announcement.read(line)
          continue
        }
        const before = line.slice(0, match.index)
        const entry: Entry = {}
        const step = STEP_BEFORE.exec(before)?.[1]
        if (step !== undefined) entry['step'] = step
        for (const [, name, text] of (match[1] as string).matchAll(FIELD))
          entry[name as string] = (text as string).replace(/^'(.*)'$/, '$1')
        // the summary at the end repeats the mean loss of the whole run
        if (!('train_runtime' in entry)) trainings.add(entry, ECHO.test(before))
      }
  },
}

/** Puts the entries of a console into their runs, one for each training. */
class Trainings {
  readonly announcement = new Announcement()
  readonly #log: LogWriter
  #entries: Entries
  #steps: StepReckoning | undefined
  #epoch = -Infinity
  #before: { entry: Entry; isEcho: boolean; step: number | undefined } | undefined

  constructor(log: LogWriter) {
    this.#log = log
    this.#entries = new Entries(log)
  }

  add(entry: Entry, isEcho: boolean): void {
    const before = this.#before
    if (before !== undefined && before.isEcho !== isEcho && isSameEntry(before.entry, entry)) {
      // the Trainer's own line says more than its echo
      if (before.isEcho) this.#put(entry, before.step)
      this.#before = undefined
      return
    }
    const { facts } = this.announcement
    const epoch = numberOf(entry, 'epoch')
    if (this.#startsOver(epoch)) {
      this.#log.nextRun()
      this.#entries = new Entries(this.#log)
      this.#steps = undefined
    }
    if (this.announcement.begins) this.#steps = undefined
    this.#epoch = Number.isNaN(epoch) ? this.#epoch : epoch
    this.announcement.close()
    let step: number | undefined
    if (!hasStep(entry)) {
      this.#steps ??= new StepReckoning(facts)
      step = this.#steps.next(entry['epoch'] ?? '', facts)
      this.#log.note(reckonedBy(facts))
    }
    this.#before = { entry, isEcho, step }
    this.#put(entry, step)
  }

  /** Whether an entry of this epoch belongs to another training than those before; one that is resumed is the same. */
  #startsOver(epoch: number): boolean {
    const { begins, facts } = this.announcement
    if (this.#before === undefined && this.#steps === undefined) return false
    if (begins && facts.resumedAfter !== undefined) return false
    return epoch < this.#epoch || (begins && !(epoch > this.#epoch))
  }

  #put(entry: Entry, step: number | undefined): void {
    this.#entries.add(step === undefined ? entry : { ...entry, step })
  }
}

/** Whether one line repeats what another says, with numbers that may be rounded. */
function isSameEntry(a: Entry, b: Entry): boolean {
  return ['loss', 'epoch'].every((name) => {
    const [first, second] = [numberOf(a, name), numberOf(b, name)]
    return Object.is(first, second) || Math.abs(first - second) <= 1e-2 * Math.max(1e-2, Math.abs(first))
  })
}

function numberOf(entry: Entry, name: string): number {
  return printedNumber(entry[name] ?? '') ?? NaN
}

function reckonedBy({ loggingSteps, totalSteps }: Announced): string {
  const how =
    loggingSteps !== undefined
      ? `it is the line’s number × ${loggingSteps} (logging_steps).`
      : totalSteps === undefined
        ? 'its lines are numbered from 1.'
        : 'it is reckoned from the epoch, which is printed rounded.'
  return `The console does not say the step: ${how}`
}
