/** A reading as it travels: JSON has no NaN and no Infinity, so those three are strings. */
export type WireNumber = number | 'NaN' | 'Infinity' | '-Infinity'

/** The wire form of a float64: finite numbers as they are, the three others as strings. Never throws. */
export function encodeNumber(value: number): WireNumber {
  if (Number.isFinite(value)) return value
  if (value === Infinity) return 'Infinity'
  if (value === -Infinity) return '-Infinity'
  return 'NaN'
}

/**
 * The float64 of a wire value, or `undefined` when it is not a number: `true`, `""`, `"0.5"` and `null` are not repaired, nor is
 * a number such as `1e999`, which JavaScript reads as Infinity.
 */
export function decodeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (value === 'NaN') return NaN
  if (value === 'Infinity') return Infinity
  if (value === '-Infinity') return -Infinity
  return undefined
}

/** Wire forms of a column; `null` marks the steps without a reading. */
export function encodeColumn(
  values: ArrayLike<number>,
  present?: ArrayLike<number> | null,
): (WireNumber | null)[] {
  const out = new Array<WireNumber | null>(values.length)
  for (let i = 0; i < values.length; i++) {
    out[i] = present && !present[i] ? null : encodeNumber(values[i] as number)
  }
  return out
}
