import type { Importer } from './imported-run.ts'
import { isOfValidation, renamed } from './metric-names.ts'
import { printedNumber } from './numbers.ts'

// eslint-disable-next-line no-control-regex
const ANSI = /\u001b\[[0-9;]*[A-Za-z]/g
const ENTRY = /(?:^|\s)step:(\d+) - (\S+:.*)$/

/**
 * verl's console: `step:1 - actor/grad_norm:np.float64(0.4) - actor/pg_loss:0.035 - …`, with colour codes and progress
 * bars around it. The actor's norm and loss are taken as the run's; a critic's keep their own names.
 */
export const verl: Importer = {
  format: 'verl',
  detect: (head) => /(?:^|\s)step:\d+ - [\w@/.-]+:/m.test(head.replace(ANSI, '')),
  read(lines, draft) {
    let validations = 0
    for (const line of lines) {
      const match = ENTRY.exec(line.replace(ANSI, ''))
      if (match === null) continue
      const entry = new Map<string, number>()
      for (const field of (match[2] as string).split(' - ')) {
        const colon = field.lastIndexOf(':')
        const value = printedNumber(field.slice(colon + 1))
        const name = field.slice(0, colon)
        if (value !== undefined && !isOfValidation(name)) entry.set(name, value)
      }
      if (!entry.has('actor/grad_norm') && !entry.has('critic/grad_norm')) validations++
      else draft.add(Number(match[1]), NaN, renamed(entry))
    }
    if (validations > 0) draft.note(`${validations} lines without a norm (validation) were passed over.`)
    draft.note(
      'The loss is that of a policy gradient: once it has been below 0, loss divergence is not judged.',
    )
  },
}
