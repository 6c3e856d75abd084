import { MAX_TOKEN_DAYS } from '@normwatch/protocol'
import { UsageError } from './failures.ts'

const DAYS_IN = { h: 1 / 24, d: 1, w: 7, y: 365 } as const

/** The days of a duration such as `12h`, `90d`, `4w` or `1y`; throws `UsageError` for another text or more than ten years. */
export function readDays(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([hdwy])$/.exec(text) ?? []
  const days = Number(amount) * DAYS_IN[unit as keyof typeof DAYS_IN]
  if (!(days > 0 && days <= MAX_TOKEN_DAYS)) {
    throw new UsageError(
      `--expires is "${text}"; it must be a duration such as 12h, 90d, 4w or 1y, up to 10y.`,
    )
  }
  return days
}
