import type { Format } from '../../format.ts'
import { consoleLines } from '../../text/console.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /\{('(?:loss|grad_norm)': .*?)\}/
const FIELD = /'([^']+)': ('[^']*'|[^,]+)/g
const LOGGING_STEPS = /\blogging_steps['"]?\s*[:=]\s*(\d+)\b/
const TOTAL_STEPS = /Total optimization steps = ([\d,]+)/
const TOTAL_EPOCHS = /Num Epochs = ([\d,]+)/

/**
 * What the HF Trainer prints: `{'loss': 2.4977, 'grad_norm': 11.0, 'learning_rate': 5.7e-07, 'epoch': 0.0}`. These lines do
 * not say their step, and the progress bar beside them comes late: the step is their number × `logging_steps` where the
 * log prints that, or the epoch × the steps of an epoch.
 */
export const hfConsole: Format = {
  name: 'hf-console',
  title: 'Hugging Face Trainer, TRL and others, console',
  score: ({ text }) => (ENTRY.test(text) ? 0.9 : LOGGING_STEPS.test(text) ? 0.55 : 0),
  async read(stream, log) {
    let run = log.run()
    let count = 0
    let loggingSteps: number | undefined
    let totalSteps: number | undefined
    let totalEpochs: number | undefined
    let epochBefore = -Infinity
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        loggingSteps ??= numberIn(LOGGING_STEPS, line)
        totalSteps = numberIn(TOTAL_STEPS, line) ?? totalSteps
        totalEpochs = numberIn(TOTAL_EPOCHS, line) ?? totalEpochs
        const match = ENTRY.exec(line)
        if (match === null) continue
        const entry = new Map<string, number>()
        for (const [, name, text] of (match[1] as string).matchAll(FIELD)) {
          const value = printedNumber(text as string)
          if (value !== undefined) entry.set(name as string, value)
        }
        // the summary at the end repeats the mean loss of the whole run
        if (entry.has('train_runtime')) continue
        if (entry.get('loss') === 0 && Number.isNaN(entry.get('grad_norm')))
          log.note('Losses of exactly 0 beside a NaN norm are the HF Trainer’s NaN filter: the loss was NaN.')
        const epoch = entry.get('epoch') ?? NaN
        if (epoch < epochBefore) {
          run = log.nextRun()
          count = 0
        }
        epochBefore = Number.isNaN(epoch) ? epochBefore : epoch
        count++
        const stepsAnEpoch = totalSteps === undefined ? NaN : totalSteps / (totalEpochs ?? NaN)
        const byEpoch = Math.round(epoch * stepsAnEpoch)
        const step = loggingSteps !== undefined ? count * loggingSteps : byEpoch > 0 ? byEpoch : count
        run.add(step, NaN, entry)
      }
    if (loggingSteps !== undefined)
      log.note(
        `The console does not say the step: it is the line’s number × ${loggingSteps} (logging_steps).`,
      )
    else if (totalSteps === undefined)
      log.note('The console does not say the step: its lines are numbered from 1.')
    else
      log.note('The console does not say the step: it is reckoned from the epoch, which is printed rounded.')
  },
}

function numberIn(pattern: RegExp, line: string): number | undefined {
  const text = pattern.exec(line)?.[1]
  const value = text === undefined ? undefined : printedNumber(text)
  return value === undefined || !(value > 0) ? undefined : value
}
