import type { Importer } from './imported-run.ts'
import { addEntry, isObject } from './json-entry.ts'
import { parseLooseJson } from './numbers.ts'

/** `trainer_state.json` of the HF Trainer: its `log_history`. The evaluation and the summary at the end carry no norm. */
export const hfTrainerState: Importer = {
  format: 'hf-trainer-state',
  detect: (head) => /^\s*\{/.test(head) && /"log_history"\s*:/.test(head),
  read(lines, draft) {
    const state = parseLooseJson([...lines].join('\n'))
    const history = isObject(state) ? state['log_history'] : undefined
    if (!Array.isArray(history)) return draft.note('This trainer_state.json has no log_history.')
    for (const entry of history) if (isObject(entry)) addEntry(entry, draft)
    draft.note('trainer_state.json does not say max_grad_norm: set the cap (1.0 is the Trainer’s default).')
  },
}
