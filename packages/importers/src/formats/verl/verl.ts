import type { Format } from '../../format.ts'
import { isOfValidation } from '../../runs/metric-naming.ts'
import { consoleLines } from '../../text/console.ts'
import { withoutColours } from '../../streams/carried.ts'
import { printedNumber } from '../../text/numbers.ts'

const ENTRY = /(?:^|\s)step:(\d+) - (\S+:.*)$/

/**
 * verl's console: `step:1 - actor/grad_norm:np.float64(0.4) - actor/pg_loss:0.035 - …`, with colour codes and progress
 * bars around it. Where a critic has a norm too, actor and critic are parts of the run.
 */
export const verl: Format = {
  name: 'verl',
  title: 'verl, console',
  score: ({ text }) =>
    /(?:^|\s)step:\d+ - [\w@/.-]+:/m.test(withoutColours(text))
      ? 1
      : /\bverl\.trainer\b|main_ppo/.test(text)
        ? 0.6
        : 0,
  async read(stream, log) {
    const run = log.run()
    let validations = 0
    for await (const lines of consoleLines(stream, log))
      for (const line of lines) {
        const match = ENTRY.exec(line)
        if (match === null) continue
        const entry = new Map<string, number>()
        for (const field of (match[2] as string).split(' - ')) {
          const colon = field.lastIndexOf(':')
          const value = printedNumber(field.slice(colon + 1))
          const name = field.slice(0, colon)
          if (value !== undefined && !isOfValidation(name)) entry.set(name, value)
        }
        if (!entry.has('actor/grad_norm') && !entry.has('critic/grad_norm')) validations++
        else run.add(Number(match[1]), NaN, entry)
      }
    if (validations > 0) log.note(`${validations} lines without a norm (validation) were passed over.`)
    log.note(
      'The loss is that of a policy gradient: once it has been below 0, loss divergence is not judged.',
    )
  },
}
