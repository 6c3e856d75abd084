import { capInConfig } from '../../caps/cap-in-config.ts'
import type { Format, LogStream, LogWriter } from '../../format.ts'
import { loadCompressors } from '../../streams/compressors.ts'
import { isObject } from '../../text/loose-json.ts'
import { partsOf, valueOf } from './aim-keys.ts'
import { logEntries, tableEntries, type Entry } from './rocksdb.ts'

/** A run's own files, `.aim/meta/chunks/<hash>/` and `.aim/seqs/chunks/<hash>/`: RocksDB's tables, and its log while the run writes. */
const PATH = /(?:^|\/)(?:meta|seqs)\/chunks\/([0-9a-f]{16,32})\/\d+\.(sst|log)$/
/** What Aim measures of the machine. */
const SYSTEM = '__system__'

/** A series of one metric in one context; readings are told apart by a hash of their step. */
interface Series {
  readonly context: string
  readonly name: string
  readonly step: Map<string, number>
  readonly time: Map<string, number>
  readonly val: Map<string, number>
}

/** What the files of one log say of their contexts, such as `subset: train`. */
const contextsOf = new WeakMap<LogWriter, Map<string, string>>()

/**
 * A run in the store of Aim 3 (`.aim`), which is only read, also while Aim writes. A metric tracked in a context has its name
 * before its own: `val/loss`. The cap is looked for in the run's attributes (`run['hparams'] = …`).
 */
export const aim: Format = {
  name: 'aim',
  title: 'Aim, .aim folder',
  score: (_, path) => (PATH.test(path) ? 1 : 0),
  runOf: (path) => PATH.exec(path)?.[1] ?? path,
  isRewritten: true,
  async read(stream, log) {
    const [, hash = 'aim', kind] = PATH.exec(stream.name) ?? []
    const contexts = contextsOf.get(log) ?? new Map<string, string>()
    contextsOf.set(log, contexts)
    const settings: Record<string, unknown> = {}
    const series = new Map<string, Series>()
    for await (const { key, value } of entriesOf(stream, kind === 'log')) {
      const parts = partsOf(key)
      if (parts[0] === 'meta' && parts[1] === 'chunks') readMeta(parts.slice(3), value, settings, contexts)
      else if (parts[0] === 'seqs' && parts[1] === 'v2') readReading(parts.slice(4), value, series)
    }
    const run = log.run(hash)
    run.named(`aim ${hash.slice(0, 8)}`)
    if (Object.keys(settings).length > 0) run.config(settings)
    const cap = capInConfig(settings)
    if (cap !== undefined) run.cap(cap.clip, `${cap.key} in the run’s attributes`)
    for (const { context, name, step, time, val } of series.values()) {
      const subset = contexts.get(context)
      const metric = subset === undefined ? name : `${subset}/${name}`
      for (const [place, value] of val) run.put(step.get(place) ?? NaN, time.get(place) ?? NaN, metric, value)
    }
  },
}

async function* entriesOf(stream: LogStream, isLog: boolean): AsyncGenerator<Entry> {
  if (isLog) return yield* logEntries(stream.bytes())
  const { SNAPPY } = await loadCompressors()
  if (SNAPPY === undefined) throw new Error('there is no snappy')
  yield* tableEntries(await stream.whole(), SNAPPY)
}

function readMeta(
  [kind, ...path]: readonly string[],
  bytes: Uint8Array,
  settings: Record<string, unknown>,
  contexts: Map<string, string>,
): void {
  const value = valueOf(bytes)
  if (value === undefined) return
  if (kind === 'contexts' && path.length === 2 && typeof value !== 'boolean') {
    const [context = '', key] = path
    const before = contexts.get(context)
    // of several the subset comes first, as in train/actor
    const words = key === 'subset' ? [value, before] : [before, value]
    contexts.set(context, words.filter((word) => word !== undefined).join('/'))
  } else if (kind === 'attrs' && path.length > 0 && path.length < 16 && !path.includes('__proto__'))
    set(settings, path, value)
}

function set(settings: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = settings
  for (const part of path.slice(0, -1)) {
    const inner = at[part]
    const next = isObject(inner) ? inner : {}
    at[part] = next
    at = next
  }
  at[path.at(-1) as string] = value
}

function readReading(
  [context = '', name = '', field, place]: readonly string[],
  bytes: Uint8Array,
  series: Map<string, Series>,
): void {
  if (place === undefined || name.startsWith(SYSTEM)) return
  if (field !== 'step' && field !== 'time' && field !== 'val') return
  const value = valueOf(bytes)
  if (typeof value !== 'number') return
  const id = `${context}\n${name}`
  let one = series.get(id)
  if (one === undefined) {
    one = { context, name, step: new Map(), time: new Map(), val: new Map() }
    series.set(id, one)
  }
  one[field].set(place, value)
}
