/** How a try of a request ended. */
export type Outcome =
  /** No connection, a time-out, or cut off. */
  | { readonly kind: 'no_reply' }
  | {
      readonly kind: 'reply'
      readonly status: number
      /** The error's code, if the body is an error of Normwatch. */
      readonly code?: string
      /** From the `retry-after` header. */
      readonly retry_after_ms?: number
      /** Whether the body is a JSON object. A 2xx without one did not come from Normwatch. */
      readonly readable: boolean
    }

export type Decision =
  | { readonly action: 'done' | 'create' | 'split' | 'narrow' | 'refuse' }
  | { readonly action: 'retry'; readonly delayMs: number }

const FIRST_DELAY_MS = 500
const MAX_DELAY_MS = 30_000
const MAX_RETRY_AFTER_MS = 300_000

/** 4xx statuses that may succeed later with the same request. */
const TRANSIENT = new Set([408, 425, 429])

/** Codes of a server that refuses new names. It accepts the readings whose names it knows. */
const TOO_MANY_NAMES = new Set(['too_many_metrics', 'too_many_series'])

/**
 * What to do after try number `attempt` (from 1) of a request that holds `points` points. `chance` is a random number
 * in [0, 1). Only a 4xx from Normwatch itself ends the tries. Any other outcome except a readable 2xx is retried for ever; a
 * batch that is too large for something on the way is split first, and one with too many names is narrowed to those that the
 * run can have.
 */
export function decide(outcome: Outcome, attempt: number, points: number, chance: number): Decision {
  if (outcome.kind === 'no_reply') return retry(attempt, 0, chance)
  const { status, readable, code } = outcome
  if (status >= 200 && status < 300 && readable) return { action: 'done' }
  if (code !== undefined && TOO_MANY_NAMES.has(code) && points > 0) return { action: 'narrow' }
  // also from a proxy with a smaller limit
  if (status === 413 && points > 1) return { action: 'split' }
  if (status < 400 || status >= 500 || TRANSIENT.has(status) || code === undefined) {
    return retry(attempt, outcome.retry_after_ms ?? 0, chance)
  }
  return { action: status === 404 && code === 'run_not_found' ? 'create' : 'refuse' }
}

function retry(attempt: number, askedMs: number, chance: number): Decision {
  const top = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1))
  const jittered = top * (0.5 + chance / 2)
  return { action: 'retry', delayMs: Math.max(jittered, Math.min(askedMs, MAX_RETRY_AFTER_MS)) }
}

/** Milliseconds from `now` that a `retry-after` header (seconds or an HTTP date) asks for. `null` if it is missing or invalid. */
export function readRetryAfter(header: string | null, now: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const date = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}
