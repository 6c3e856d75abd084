import type { Importer } from './imported-run.ts'
import { addEntry, isObject } from './json-entry.ts'
import { STEP_NAMES } from './metric-names.ts'
import { jsonNumber, parseLooseJson } from './numbers.ts'

/**
 * One JSON object a line: mmengine's `scalars.json`, openpi, callbacks of the HF Trainer, fairseq's json lines,
 * LLaMA-Factory's `trainer_log.jsonl`. Lines without a loss or a norm (evaluation, summaries) are passed over.
 */
export const jsonLines: Importer = {
  format: 'json-lines',
  detect: (head) => head.split('\n').some((line) => isPlaced(objectIn(line))),
  read(lines, draft) {
    let passed = 0
    for (const line of lines) {
      const entry = objectIn(line)
      if (entry !== undefined && !addEntry(entry, draft)) passed++
    }
    if (passed > 0) draft.note(`${passed} lines without a step and a training reading were passed over.`)
  },
}

/** The JSON object that a line is, or ends with: fairseq writes its own prefix before it. */
function objectIn(line: string): Record<string, unknown> | undefined {
  const start = line.indexOf('{')
  const entry = start < 0 ? undefined : parseLooseJson(line.slice(start))
  return isObject(entry) ? entry : undefined
}

function isPlaced(entry: Record<string, unknown> | undefined): boolean {
  return entry !== undefined && STEP_NAMES.some((name) => jsonNumber(entry[name]) !== undefined)
}
