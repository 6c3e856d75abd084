import type { Importer } from './imported-run.ts'
import { renamed } from './metric-names.ts'
import { printedNumber } from './numbers.ts'

const ENTRY = /\{('(?:loss|grad_norm)': .*?)\}/
const FIELD = /'([^']+)': ([^,]+)/g

/**
 * What the HF Trainer prints: `{'loss': 2.4977, 'grad_norm': 11.0, 'learning_rate': 5.7e-07, 'epoch': 0.0}`. These lines do
 * not say their step, so they are numbered; a restart cannot be seen in them.
 */
export const hfConsole: Importer = {
  format: 'hf-console',
  detect: (head) => ENTRY.test(head),
  read(lines, draft) {
    let step = 0
    for (const line of lines) {
      const match = ENTRY.exec(line)
      if (match === null) continue
      const entry = new Map<string, number>()
      for (const [, name, text] of (match[1] as string).matchAll(FIELD)) {
        const value = printedNumber((text as string).trim())
        if (value !== undefined) entry.set(name as string, value)
      }
      draft.add(++step, NaN, renamed(entry))
    }
    draft.note('The console does not say the step: its lines are numbered from 1.')
  },
}
