/** `value` with `digits` significant decimal digits, for people to read; 0 and non-finite values as they are. */
export function significant(value: number, digits: number): number {
  return value === 0 || !Number.isFinite(value) ? value : Number(value.toPrecision(digits))
}

const LIMIT = 30
const POWERS = Array.from({ length: 2 * LIMIT + 1 }, (_, i) => Number(`1e${i - LIMIT}`))

/** The same with six digits for what is kept in the state (short in JSON), quick for every reading. `value` is finite. */
export function shortened(value: number): number {
  if (value === 0) return 0
  const scale = POWERS[5 - Math.floor(Math.log10(Math.abs(value))) + LIMIT]
  if (scale === undefined) return Number(value.toPrecision(6))
  return Math.round(value * scale) / scale
}
