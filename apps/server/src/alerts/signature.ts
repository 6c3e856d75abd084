import { createHmac, randomBytes } from 'node:crypto'

/** How long a replaced secret still signs beside the new one, in milliseconds. */
export const OLD_SECRET_LIVES_MS = 24 * 60 * 60 * 1000

const PREFIX = 'whsec_'

/** A new signing secret: `whsec_` and 32 random bytes in base64 (the specification asks for 24 to 64). */
export function newSecret(): string {
  return PREFIX + randomBytes(32).toString('base64')
}

export interface SecretHolder {
  readonly secret: string | null
  readonly old_secret: string | null
  /** Milliseconds since 1970. */
  readonly old_secret_until: number | null
}

/** The secrets that sign at `now`, the newest first. */
export function liveSecrets(holder: SecretHolder, now: number): string[] {
  const old = now < (holder.old_secret_until ?? 0) ? holder.old_secret : null
  return [holder.secret, old].filter((secret) => secret !== null)
}

/**
 * The three headers of the Standard Webhooks specification for one try: the timestamp (seconds) is that of the try,
 * and there is one `v1` signature a secret.
 */
export function signedHeaders(
  id: string,
  body: string,
  secrets: readonly string[],
  now: number,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(now / 1000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
