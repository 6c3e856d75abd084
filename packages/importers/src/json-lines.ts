import type { Importer } from './imported-run.ts'
import { addEntry, isObject } from './json-entry.ts'
import { parseLooseJson } from './numbers.ts'

/**
 * One JSON object a line: mmengine's `scalars.json`, openpi, callbacks of the HF Trainer, fairseq's json lines,
 * LLaMA-Factory's `trainer_log.jsonl`. Lines without a loss or a norm (evaluation, summaries) are passed over.
 */
export const jsonLines: Importer = {
  format: 'json-lines',
  detect: (head) => {
    const first = head.split('\n').find((line) => line.trim() !== '') ?? ''
    return isObject(parseLooseJson(first.slice(first.indexOf('{'))))
  },
  read(lines, draft) {
    let passed = 0
    for (const line of lines) {
      // fairseq writes its own prefix before the object.
      const start = line.indexOf('{')
      if (start < 0) continue
      const entry = parseLooseJson(line.slice(start))
      if (!isObject(entry) || !addEntry(entry, draft)) passed++
    }
    if (passed > 0) draft.note(`${passed} lines without a step and a training reading were passed over.`)
  },
}
