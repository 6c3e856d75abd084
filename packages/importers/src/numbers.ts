/** Numbers as training tools print them: `1e-3`, `1.0E-05`, `nan`, `inf`, `np.float64(0.5)`, and as strings in JSON. */
const PRINTED = /^[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i
const WRAPPED = /^(?:np|numpy|torch|jnp)\.\w+\((.*)\)$/

/** The number that `text` is, or `undefined` when it is none. */
export function printedNumber(text: string): number | undefined {
  const bare = (WRAPPED.exec(text)?.[1] ?? text).trim()
  if (!PRINTED.test(bare)) return undefined
  const value = Number(bare)
  if (!Number.isNaN(value)) return value
  if (/nan/i.test(bare)) return NaN
  return bare.startsWith('-') ? -Infinity : Infinity
}

/** The number of a JSON value: fairseq writes numbers as strings. Booleans, text and lists are none. */
export function jsonNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' ? printedNumber(value) : undefined
}

/** Parses JSON in which Python has written `NaN` or `Infinity` bare; `undefined` when it is not JSON even so. */
export function parseLooseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const quoted = text.replace(/([[:,]\s*)(NaN|-?Infinity)(?=\s*[,\]}])/g, '$1"$2"')
    try {
      return JSON.parse(quoted)
    } catch {
      return undefined
    }
  }
}
