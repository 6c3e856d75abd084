import type { Format, RunWriter } from '../../format.ts'
import { capInConfig } from '../../caps/cap-in-line.ts'
import { fieldsOf } from '../../streams/protobuf.ts'
import { Entries } from '../../text/entries.ts'
import { isObject, parseLooseJson } from '../../text/loose-json.ts'
import { isWandbFile, wandbRecords } from './record-blocks.ts'

/** Field numbers of W&B's own messages (wandb_internal.proto). */
const RECORD = { history: 2, config: 5, run: 17 }
const HISTORY_ITEM = 1
const CONFIG_UPDATE = 1
const RUN = { id: 1, config: 4, displayName: 8 }
const ITEM = { key: 1, nestedKey: 2, value: 16 }

const text = new TextDecoder()

/**
 * A W&B offline file (`run-….wandb`): its history, and the cap from its configuration. The step is the training step that
 * the run logged (`train/global_step`, …), W&B's own `_step` only where there is none. Files of one run id are one run.
 */
export const wandb: Format = {
  name: 'wandb',
  title: 'Weights & Biases, .wandb file',
  score: ({ bytes }) => (isWandbFile(bytes) ? 1 : 0),
  runOf: (path) => /(?:^|\/)(?:offline-)?run-\d{8}_\d{6}-(\w+)\//.exec(path)?.[1] ?? path,
  async read(stream, log) {
    let run: RunWriter | undefined
    let entries: Entries | undefined
    for await (const record of wandbRecords(stream.bytes()))
      for (const { number, bytes } of fieldsOf(record)) {
        if (bytes === undefined) continue
        if (number === RECORD.run) {
          const { id, name, config } = runOf(bytes)
          run ??= log.run(id)
          entries ??= new Entries(log, id)
          if (name !== undefined) run.named(name)
          setConfig(run, config)
        } else if (number === RECORD.config) setConfig(run ?? log.run(), itemsOf(bytes, CONFIG_UPDATE))
        else if (number === RECORD.history) {
          entries ??= new Entries(log)
          entries.add(itemsOf(bytes, HISTORY_ITEM))
        }
      }
  },
}

function setConfig(run: RunWriter, config: Readonly<Record<string, unknown>>): void {
  const settings = Object.fromEntries(
    Object.entries(config)
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, value]) => [name, isObject(value) && 'value' in value ? value['value'] : value]),
  )
  run.config(settings)
  const cap = capInConfig(settings)
  if (cap !== undefined) run.cap(cap.clip, `${cap.key} in the run’s config`)
}

function runOf(message: Uint8Array): {
  id: string | undefined
  name: string | undefined
  config: Record<string, unknown>
} {
  let id: string | undefined
  let name: string | undefined
  let config: Record<string, unknown> = {}
  for (const { number, bytes } of fieldsOf(message)) {
    if (bytes === undefined) continue
    if (number === RUN.id) id = text.decode(bytes).slice(0, 256) || undefined
    else if (number === RUN.displayName) name = text.decode(bytes).slice(0, 256) || undefined
    else if (number === RUN.config) config = itemsOf(bytes, CONFIG_UPDATE)
  }
  return { id, name, config }
}

/** Names and values of a message whose items are in `field`. */
function itemsOf(message: Uint8Array, field: number): Record<string, unknown> {
  const entry: Record<string, unknown> = {}
  for (const { number, bytes: item } of fieldsOf(message)) {
    if (number !== field || item === undefined) continue
    const keys: string[] = []
    let value: unknown
    for (const { number: part, bytes } of fieldsOf(item)) {
      if (bytes === undefined) continue
      if (part === ITEM.key || part === ITEM.nestedKey) keys.push(text.decode(bytes))
      else if (part === ITEM.value) value = parseLooseJson(text.decode(bytes))
    }
    if (keys.length > 0) entry[keys.join('.')] = value
  }
  return entry
}
