/** The result of one attempt. */
export interface Answer {
  /** HTTP status, or SMTP reply code; `null` without an answer. */
  readonly status: number | null
  readonly ok: boolean
  /** Why the attempt failed, in a sentence; `null` if it succeeded. */
  readonly error: string | null
  /** First kilobyte of the receiver's answer. */
  readonly body: string | null
  /** The `retry-after` header as it came. */
  readonly retryAfter: string | null
}

export type Verdict =
  | { readonly state: 'sent' }
  /** `due_at` in milliseconds since 1970. */
  | { readonly state: 'pending'; readonly due_at: number }
  | { readonly state: 'failed' }
  /** The receiver is gone (HTTP 410): the message has failed and its channel is disabled. */
  | { readonly state: 'disabled' }

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Waits before the second and later tries, from the Standard Webhooks specification; after the last one the delivery fails. */
export const RETRY_AFTER_MS = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR] as const

/** The longest `retry-after` that is honoured. */
export const LONGEST_WAIT_MS = 24 * HOUR

/** Jitter: waits are prolonged by up to this share, so that receivers that failed together are not retried together. */
const JITTER = 0.1

/**
 * What to do after try number `tries` (1 is the first). A wait is never shorter than the table's nor than the
 * receiver's `retry-after`; `random` is from [0, 1).
 */
export function verdict(answer: Answer, tries: number, now: number, random: number): Verdict {
  if (answer.ok) return { state: 'sent' }
  if (answer.status === 410) return { state: 'disabled' }
  const wait = RETRY_AFTER_MS[tries - 1]
  if (wait === undefined) return { state: 'failed' }
  const asked = Math.min(retryAfterMs(answer.retryAfter, now) ?? 0, LONGEST_WAIT_MS)
  return { state: 'pending', due_at: now + Math.round(Math.max(wait, asked) * (1 + JITTER * random)) }
}

/** Milliseconds that a `retry-after` asks for, given in seconds or as an HTTP date; `undefined` where it is neither. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  if (/^\s*\d{1,10}\s*$/.test(header)) return Number(header) * SECOND
  // An HTTP date names its weekday; Date.parse alone would also take "-5" or "2".
  const date = /^\s*[A-Za-z]{3,9},?\s/.test(header) ? Date.parse(header) : NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
