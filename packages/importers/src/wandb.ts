import { RunDraft } from './draft.ts'
import type { ImportedRun } from './imported-run.ts'
import { addEntry } from './json-entry.ts'
import { parseLooseJson } from './numbers.ts'
import { fieldsOf } from './protobuf.ts'
import { wandbRecords } from './wandb-blocks.ts'

/** Field numbers of W&B's own messages (wandb_internal.proto). */
const RECORD_HISTORY = 2
const HISTORY_ITEM = 1
const ITEM_KEY = 1
const ITEM_NESTED_KEY = 2
const ITEM_VALUE = 16

const text = new TextDecoder()

/**
 * Reads a W&B offline file (`run-….wandb`): its history records. The step is the training step that the run logged
 * (`train/global_step`, `training/global_step`, …), W&B's own `_step` only where there is none.
 */
export function importWandb(bytes: Uint8Array, name: string): ImportedRun {
  const draft = new RunDraft()
  let isOwnStep = true
  for (const record of wandbRecords(bytes))
    for (const { number, bytes: history } of fieldsOf(record)) {
      if (number !== RECORD_HISTORY || history === undefined) continue
      const entry = entryOf(history)
      if (!addEntry(entry, draft))
        isOwnStep = addEntry({ ...entry, step: entry['_step'] }, draft) ? false : isOwnStep
    }
  if (!isOwnStep) draft.note('The run logged no training step of its own: W&B’s row number stands in for it.')
  return draft.finish(name)
}

function entryOf(history: Uint8Array): Record<string, unknown> {
  const entry: Record<string, unknown> = {}
  for (const { number, bytes: item } of fieldsOf(history)) {
    if (number !== HISTORY_ITEM || item === undefined) continue
    const keys: string[] = []
    let value: unknown
    for (const { number: field, bytes } of fieldsOf(item)) {
      if (bytes === undefined) continue
      if (field === ITEM_KEY || field === ITEM_NESTED_KEY) keys.push(text.decode(bytes))
      else if (field === ITEM_VALUE) value = parseLooseJson(text.decode(bytes))
    }
    entry[keys.join('.')] = value
  }
  return entry
}
