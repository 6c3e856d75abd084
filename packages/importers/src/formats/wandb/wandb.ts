import type { Format, RunWriter } from '../../format.ts'
import { capInConfig } from '../../caps/cap-in-config.ts'
import { MessageReader } from '../../streams/protobuf.ts'
import { Entries } from '../../text/entries.ts'
import { isObject, parseLooseJson } from '../../text/loose-json.ts'
import { beginsWith, recordsOf } from '../../streams/record-log.ts'

/** The file begins with `:W&B`, a magic number, and a version, which is not among these bytes. */
const MAGIC = [0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe]
/** Field numbers of W&B's own messages (wandb_internal.proto). */
const RECORD = { history: 2, config: 5, run: 17 }
const HISTORY_ITEM = 1
const CONFIG_UPDATE = 1
const RUN = { id: 1, config: 4, displayName: 8 }
const ITEM = { key: 1, nestedKey: 2, value: 16 }

/**
 * A W&B offline file (`run-….wandb`): its history, and the cap from its configuration. The step is the training step that
 * the run logged (`train/global_step`, …), else W&B's own `_step`. Files of one run id are one run.
 */
export const wandb: Format = {
  name: 'wandb',
  title: 'Weights & Biases, .wandb file',
  score: ({ bytes }) => (beginsWith(bytes, MAGIC) ? 1 : 0),
  runOf: (path) => /(?:^|\/)(?:offline-)?run-\d{8}_\d{6}-(\w+)\//.exec(path)?.[1] ?? path,
  async read(stream, log) {
    let run: RunWriter | undefined
    let entries: Entries | undefined
    const record = new MessageReader()
    for await (const bytes of recordsOf(stream.bytes(), MAGIC)) {
      record.open(bytes)
      while (record.next()) {
        if (record.number === RECORD.run) {
          const { id, name, config } = runOf(record)
          run ??= log.run(id)
          entries ??= new Entries(log, id)
          if (name !== undefined) run.named(name)
          setConfig(run, config)
        } else if (record.number === RECORD.config)
          setConfig(run ?? log.run(), itemsOf(record, CONFIG_UPDATE))
        else if (record.number === RECORD.history) {
          entries ??= new Entries(log)
          entries.add(itemsOf(record, HISTORY_ITEM))
        }
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

function runOf(record: MessageReader): {
  id: string | undefined
  name: string | undefined
  config: Record<string, unknown>
} {
  let id: string | undefined
  let name: string | undefined
  let config: Record<string, unknown> = {}
  const run = new MessageReader().enter(record)
  while (run.next()) {
    if (run.number === RUN.id) id = run.text().slice(0, 256) || undefined
    else if (run.number === RUN.displayName) name = run.text().slice(0, 256) || undefined
    else if (run.number === RUN.config) config = itemsOf(run, CONFIG_UPDATE)
  }
  return { id, name, config }
}

/** Names and values of a message whose items are in `field`. */
function itemsOf(outer: MessageReader, field: number): Record<string, unknown> {
  const entry: Record<string, unknown> = {}
  const message = new MessageReader().enter(outer)
  const item = new MessageReader()
  while (message.next()) {
    if (message.number !== field) continue
    item.enter(message)
    const keys: string[] = []
    let value: unknown
    while (item.next()) {
      if (item.number === ITEM.key || item.number === ITEM.nestedKey) keys.push(item.text())
      else if (item.number === ITEM.value) value = parseLooseJson(item.text())
    }
    if (keys.length > 0) entry[keys.join('.')] = value
  }
  return entry
}
