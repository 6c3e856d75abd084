import type { Format } from '../../format.ts'
import { jsonValues } from '../../streams/json-values.ts'
import { Entries } from '../../text/entries.ts'
import { isObject, parseLooseJson } from '../../text/loose-json.ts'

/**
 * `trainer_state.json` of the HF Trainer, and of trainers that write its like: the entries of `log_history`. Evaluations
 * and the summary at the end carry no norm. A checkpoint's file is the beginning of the final one.
 */
export const hfTrainerState: Format = {
  name: 'hf-trainer-state',
  title: 'Hugging Face Trainer, trainer_state.json',
  score: ({ text }, path) => {
    // lines of JSON, of which a later one may hold a log_history, are another format
    const [first = ''] = text.split('\n', 1)
    const isLine = text.length > first.length + 1 && first.endsWith('}') && !first.includes('"log_history"')
    if (!/^\s*\{/.test(text) || isLine) return 0
    if (/"log_history"\s*:/.test(text)) return 1
    return /(?:^|\/)trainer_state\.json(?:\.gz)?$/.test(path) ? 0.9 : 0
  },
  longestHoldsAll: true,
  isRewritten: true,
  runOf: (path) => path.replace(/(?:^|\/)checkpoint-\d+\/trainer_state\.json$/, '/trainer_state.json'),
  async read(stream, log) {
    const entries = new Entries(log)
    for await (const { text } of jsonValues(stream.text(), [['log_history', '*']])) {
      const entry = parseLooseJson(text)
      if (isObject(entry)) entries.add(entry)
    }
  },
}
