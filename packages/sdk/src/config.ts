import { MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH } from '@normwatch/protocol/limits'
import { encodeNumber } from '@normwatch/protocol/number-codec'
import { textOf } from './error-text.ts'

export interface WireConfig {
  readonly config: Record<string, unknown>
  /** What was changed to make the server accept it, one sentence per change. */
  readonly notes: readonly string[]
}

/** Of the configuration itself. */
const MAX_FIELDS = 512
/** The most characters of a field's name. */
const MAX_NAME = 256
const MOST = 'a configuration has at most 64 KiB as JSON'
/** The most values within one field. Each takes at least two bytes as JSON, as `0,` does. */
const MAX_VALUES = MAX_CONFIG_BYTES / 2

const CUT_DEPTH = '(cut: nested too deeply)'
const CUT_VALUES = `(cut: more than ${MAX_VALUES} values)`
const CIRCULAR = '(cut: refers to itself)'

/**
 * Converts a configuration to what the server accepts: at most 512 fields, 32 levels and 64 KiB as JSON. Each value is converted on its
 * own. A Map becomes an object, a Set a list, and a RegExp, BigInt or function its text. A value that is too deep or too large
 * is replaced by a text that says so. The largest fields are replaced first.
 */
export function toWireConfig(
  source: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>,
): WireConfig {
  const notes: string[] = []
  const config: Record<string, unknown> = {}
  const all = readFields(source, notes)
  if (all.length > MAX_FIELDS) {
    notes.push(
      `config has ${all.length} fields: the first ${MAX_FIELDS} are kept, and the others are left out`,
    )
  }
  for (const [whole, read] of all.slice(0, MAX_FIELDS)) {
    const key = whole.slice(0, MAX_NAME)
    const name = `config.${key}`
    try {
      const value = new Conversion(notes).convert(read(), name, 2, new Set([source]))
      if (value !== undefined) config[key] = value
    } catch (error) {
      if (error instanceof TooLarge) {
        config[key] = CUT_VALUES
        notes.push(`${name} has more than ${MAX_VALUES} values and is cut: ${MOST}`)
      } else notes.push(unreadable(name, error))
    }
  }
  if (JSON.stringify(config).includes(CUT_DEPTH)) {
    notes.push(`config is nested more than ${MAX_CONFIG_DEPTH} levels deep: deeper values are cut`)
  }
  cutLargest(config, notes)
  return { config, notes }
}

function readFields(source: object, notes: string[]): [string, () => unknown][] {
  try {
    return fieldsOf(source)
  } catch (error) {
    notes.push(unreadable('config', error))
    return []
  }
}

class TooLarge extends Error {}

/** Converts one field. Ends at `MAX_VALUES`: objects that share parts, such as a model, can stand for any number of values. */
class Conversion {
  readonly #notes: string[]
  #left = MAX_VALUES

  constructor(notes: string[]) {
    this.#notes = notes
  }

  /** `level` is the nesting depth; the configuration itself is level 1. Throws what reading the value itself throws. */
  convert(value: unknown, name: string, level: number, above: ReadonlySet<object>): unknown {
    if (--this.#left < 0) throw new TooLarge()
    if (typeof value === 'number') return encodeNumber(value)
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    if (typeof value === 'function') return `(function ${value.name})`
    if (typeof value === 'symbol') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof RegExp || value instanceof URL || value instanceof Error) return String(value)
    if ('toJSON' in value && typeof value.toJSON === 'function') {
      const json: unknown = value.toJSON()
      if (json !== value) return this.convert(json, name, level, above)
    }
    if (above.has(value)) return CIRCULAR
    if (level > MAX_CONFIG_DEPTH) return CUT_DEPTH
    const within = new Set(above).add(value)
    if (isList(value)) {
      const items: unknown[] = []
      for (const one of value) items.push(this.convert(one, name, level + 1, within) ?? null)
      return items
    }
    const fields: [string, unknown][] = []
    for (const [key, read] of fieldsOf(value)) {
      try {
        const field = this.convert(read(), `${name}.${key}`, level + 1, within)
        if (field !== undefined) fields.push([key, field])
      } catch (error) {
        if (error instanceof TooLarge) throw error
        this.#notes.push(unreadable(`${name}.${key}`, error))
      }
    }
    return Object.fromEntries(fields)
  }
}

function isList(value: object): value is Iterable<unknown> {
  return (
    Array.isArray(value) || value instanceof Set || (ArrayBuffer.isView(value) && Symbol.iterator in value)
  )
}

/** The fields of an object or Map, each with a function that reads it and throws what its getter throws. */
function fieldsOf(value: object): [string, () => unknown][] {
  if (value instanceof Map) return [...value].map(([key, one]) => [String(key), () => one as unknown])
  return Object.keys(value).map((key) => [key, () => (value as Record<string, unknown>)[key]])
}

function unreadable(name: string, error: unknown): string {
  return `${name} cannot be read (${textOf(error)}) and is left out`
}

function cutLargest(config: Record<string, unknown>, notes: string[]): void {
  let bytes = bytesOf(config)
  if (bytes <= MAX_CONFIG_BYTES) return
  const sizes = Object.entries(config).map(([key, value]) => [key, bytesOf(value)] as const)
  for (const [key, size] of sizes.sort(([, a], [, b]) => b - a)) {
    const words = `(cut: ${size} bytes)`
    config[key] = words
    bytes += words.length + 2 - size
    notes.push(`config.${key} has ${size} bytes and is cut: ${MOST}`)
    if (bytes <= MAX_CONFIG_BYTES) return
  }
  // every value is cut already, and the names alone are too large
  for (const key of Object.keys(config).reverse()) {
    delete config[key]
    if (bytesOf(config) <= MAX_CONFIG_BYTES) return
  }
}

/** The bytes of a value as JSON in UTF-8. Counted, because a simulated page, such as Jest's, has no TextEncoder. */
function bytesOf(value: unknown): number {
  const json = JSON.stringify(value)
  let bytes = json.length
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    const isSurrogate = code >= 0xd800 && code <= 0xdfff // a pair of them takes four bytes
    if (code >= 0x80) bytes += code < 0x800 || isSurrogate ? 1 : 2
  }
  return bytes
}
