/** Numbers as training tools print them: `1e-3`, `1.0E-05`, `nan`, `inf`, `1,234.5`, `np.float64(0.5)`, `tensor(10.7, device='cuda:0')`. */
const PRINTED =
  /^[+-]?(?:(?:\d+|\d{1,3}(?:,\d{3})+)\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf(?:inity)?|nan)$/i
const WRAPPED = /^(?:(?:np|numpy|torch|jnp)\.\w+|tensor|Array|array)\(\s*([^,()]+?)\s*(?:,[^()]*)?\)$/
const QUOTED = /^(['"])(.*)\1$/

/** The number that `text` is, or `undefined` when it is not one. */
export function printedNumber(text: string): number | undefined {
  if (text.length > 256) return undefined
  const whole = text.trim()
  const unquoted = QUOTED.exec(whole)?.[2]?.trim() ?? whole
  const bare = WRAPPED.exec(unquoted)?.[1] ?? unquoted
  if (!PRINTED.test(bare)) return undefined
  const value = Number(bare.includes(',') ? bare.replaceAll(',', '') : bare)
  if (!Number.isNaN(value)) return value
  if (/nan/i.test(bare)) return NaN
  return bare.startsWith('-') ? -Infinity : Infinity
}
