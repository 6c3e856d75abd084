const NARROW = '\u202f'

/**
 * Three significant digits, or as many as asked for, without an exponent between 0.001 and a million: `0.0312`, `1.73`,
 * `4.2e-7`. Non-finite values by name.
 */
export function figure(value: number, digits = 3): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '−Inf'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size < 1e-3 || size >= 1e6) return minus(trim(value.toExponential(digits - 1)))
  return minus(trim(size >= 10 ** (digits - 1) ? value.toFixed(0) : value.toPrecision(digits)))
}

/** How many significant digits tell numbers up to `largest` apart that are `distance` from each other: 3 at least. */
export function digitsFor(largest: number, distance: number): number {
  const places = Math.floor(Math.log10(Math.abs(largest))) - Math.floor(Math.log10(distance)) + 1
  return Number.isFinite(places) ? Math.max(3, Math.min(15, places)) : 3
}

/** A count that reads at a glance: `842`, `12.3k`, `1.25M`. */
export function count(value: number): string {
  if (value < 10_000) return group(value)
  // Rounded to three digits, 999 999 is a million and not a thousand thousands.
  const reaches = (size: number) => value >= 0.9995 * size
  if (reaches(1e15)) return figure(value)
  for (const [unit, size] of UNITS) if (reaches(size)) return `${(value / size).toPrecision(3)}${unit}`
  return `${trim((value / 1e3).toPrecision(3))}k`
}
const UNITS = [
  ['T', 1e12],
  ['G', 1e9],
  ['M', 1e6],
] as const

/** An amount of data that reads at a glance: `842 B`, `12.3 kB`, `1.25 GB`. */
export function bytes(value: number): string {
  const [, amount = '', unit = ''] = /^(.*?)([kMGT]?)$/.exec(count(value)) ?? []
  return `${amount}${NARROW}${unit}B`
}

/** The number with the digits of its whole part in groups of three: `1 234 567`. */
export function group(value: number): string {
  const whole = /^-?\d+/
  return minus(value.toString().replace(whole, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, NARROW)))
}

/** A share as a percentage without false digits: `93%`, `1.2%`, `<0.1%`; only a share of exactly 0 or 1 reads 0 or 100. */
export function percent(share: number): string {
  const value = share * 100
  if (value > 0 && value < 0.1) return '<0.1%'
  if (value > 99.9 && value < 100) return '>99.9%'
  if (value > 0 && value < 10) return `${trim(value.toFixed(1))}%`
  return `${value > 99 && value < 100 ? value.toFixed(1) : value.toFixed(0)}%`
}

/** How many times one value is of another: `3.1×`, `<0.001×`; what is not finite by its name alone. */
export function multiple(value: number, of: number): string {
  const ratio = value / of
  if (ratio > 0 && ratio < 1e-3) return '<0.001×'
  return Number.isFinite(ratio) ? `${figure(ratio, 2)}×` : figure(ratio)
}

/** `1 step`, `33 steps`. */
export function counted(value: number, noun: string): string {
  return `${group(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Without zeros at the end of the fraction; an exponent keeps its own: `1.50e-10` is `1.5e-10`. */
function trim(text: string): string {
  return text.replace(/\.(\d*?)0*(?=e|$)/, (_, fraction: string) => (fraction === '' ? '' : `.${fraction}`))
}
function minus(text: string): string {
  return text.replace('e+', 'e').replace(/^-/, '−')
}
