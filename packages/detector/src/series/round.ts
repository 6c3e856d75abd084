/** `value` with `digits` significant decimal digits, for people to read; unchanged where rounding would not give a number: 0, non-finite, too large. */
export function significant(value: number, digits: number): number {
  if (value === 0 || !Number.isFinite(value)) return value
  const rounded = Number(value.toPrecision(digits))
  return Number.isFinite(rounded) ? rounded : value
}

const LIMIT = 30
const POWERS = Array.from({ length: 2 * LIMIT + 1 }, (_, i) => Number(`1e${i - LIMIT}`))

/** The power of ten of `size`; remembered, as readings keep theirs for long and a logarithm takes as long as the rest. */
let decade = { exponent: 0, from: 1, below: 10 }

function exponentOf(size: number): number {
  if (size >= decade.from && size < decade.below) return decade.exponent
  const exponent = Math.floor(Math.log10(size))
  // Nearer to a power of ten than this, log10 may round to either side.
  decade = { exponent, from: 10 ** exponent * (1 + 1e-9), below: 10 ** (exponent + 1) * (1 - 1e-9) }
  return exponent
}

/** The same with six digits for what is kept in the state (short in JSON), quick for every reading. `value` is finite. */
export function shortened(value: number): number {
  if (value === 0) return 0
  const scale = POWERS[5 - exponentOf(Math.abs(value)) + LIMIT]
  if (scale === undefined) return Number(value.toPrecision(6))
  return Math.round(value * scale) / scale
}
