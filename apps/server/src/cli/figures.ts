import { decodeNumber, type WireNumber } from '@normwatch/protocol'

/** Shown in place of a missing reading. */
const NOTHING = '–'

/** A reading in three significant digits, as `1.73`, `0.00031`, `4.2e+8`, `NaN`. */
export function figure(value: WireNumber | null | undefined): string {
  if (value === null || value === undefined) return NOTHING
  const number = typeof value === 'number' ? value : (decodeNumber(value) ?? NaN)
  if (!Number.isFinite(number)) return String(number)
  const size = Math.abs(number)
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return number.toExponential(1)
  return String(Number(number.toPrecision(3)))
}

/** A share from 0 to 1 in per cent. */
export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? NOTHING : `${Math.round(share * 100)} %`
}

/** A step, a count. */
export function whole(count: number | null | undefined): string {
  return count === null || count === undefined ? NOTHING : count.toLocaleString('en-US')
}
