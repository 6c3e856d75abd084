import { MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH } from '@normwatch/protocol/limits'
import { encodeNumber } from '@normwatch/protocol/number-codec'

export interface WireConfig {
  readonly config: Record<string, unknown>
  /** What was changed to make the server accept it, one sentence per change. */
  readonly notes: readonly string[]
}

const CUT_DEPTH = '(cut: nested too deeply)'
const CIRCULAR = '(cut: refers to itself)'

/**
 * Converts a configuration to what the server accepts: at most 32 levels and 64 KiB as JSON. Each value is converted on its
 * own. A Map becomes an object, a Set a list, and a RegExp, BigInt or function its text. A value that is too deep or too large
 * is replaced by a text that says so. The largest fields are replaced first.
 */
export function toWireConfig(source: Readonly<Record<string, unknown>>): WireConfig {
  const notes: string[] = []
  const config: Record<string, unknown> = {}
  for (const key of Object.keys(source)) {
    try {
      const value = convert(source[key], 2, new Set([source]))
      if (value !== undefined) config[key] = value
    } catch (error) {
      notes.push(`config.${key} cannot be read (${String(error)}) and is left out`)
    }
  }
  if (JSON.stringify(config).includes(CUT_DEPTH)) {
    notes.push(`config is nested more than ${MAX_CONFIG_DEPTH} levels deep: deeper values are cut`)
  }
  cutLargest(config, notes)
  return { config, notes }
}

/** `level` is the nesting depth; the configuration itself is level 1. Throws what a getter throws. */
function convert(value: unknown, level: number, above: ReadonlySet<object>): unknown {
  if (typeof value === 'number') return encodeNumber(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'function') return `(function ${value.name})`
  if (typeof value === 'symbol') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof RegExp || value instanceof URL || value instanceof Error) return String(value)
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const json: unknown = value.toJSON()
    if (json !== value) return convert(json, level, above)
  }
  if (above.has(value)) return CIRCULAR
  if (level > MAX_CONFIG_DEPTH) return CUT_DEPTH
  const within = new Set(above).add(value)
  const inner = (one: unknown) => convert(one, level + 1, within)
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, (one) => inner(one) ?? null)
  if (ArrayBuffer.isView(value) && Symbol.iterator in value) {
    return Array.from(value as unknown as Iterable<unknown>, inner)
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const fields = entries.map(([key, one]) => [String(key), inner(one)] as const)
  return Object.fromEntries(fields.filter(([, one]) => one !== undefined))
}

function cutLargest(config: Record<string, unknown>, notes: string[]): void {
  let bytes = bytesOf(config)
  if (bytes <= MAX_CONFIG_BYTES) return
  const sizes = Object.entries(config).map(([key, value]) => [key, bytesOf(value)] as const)
  for (const [key, size] of sizes.sort(([, a], [, b]) => b - a)) {
    const words = `(cut: ${size} bytes)`
    config[key] = words
    bytes += words.length + 2 - size
    notes.push(`config.${key} has ${size} bytes and is cut: a configuration has at most 64 KiB as JSON`)
    if (bytes <= MAX_CONFIG_BYTES) return
  }
  // every value is cut already, and the names alone are too large
  for (const key of Object.keys(config).reverse()) {
    delete config[key]
    if (bytesOf(config) <= MAX_CONFIG_BYTES) return
  }
}

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length
}
