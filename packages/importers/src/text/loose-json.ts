import { printedNumber } from './numbers.ts'

/** Parses JSON in which Python has written `NaN` or `Infinity` bare; `undefined` when it is not JSON even so. */
export function parseLooseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (!/NaN|Infinity/.test(text)) return undefined
    const quoted = text.replace(/([[:,]\s*|^\s*)(NaN|-?Infinity)(?=\s*(?:[,\]}]|$))/g, '$1"$2"')
    try {
      return JSON.parse(quoted)
    } catch {
      return undefined
    }
  }
}

/** The number of a JSON value: fairseq writes numbers as strings. Booleans, text and lists are not numbers. */
export function jsonNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' ? printedNumber(value) : undefined
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
