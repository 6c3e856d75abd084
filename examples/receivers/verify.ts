import { createHmac, timingSafeEqual } from 'node:crypto'

/** Messages that are older or newer than this are refused, so that a recorded message cannot be replayed later. */
const TOLERANCE_SECONDS = 5 * 60

/** The signature of the message is invalid, or its time is not current. */
export class NotVerified extends Error {}

/**
 * Verifies a message by the Standard Webhooks specification. `body` must be the bytes as received: parse them only after
 * this check. `now` is in milliseconds. Throws `NotVerified`.
 */
export function verify(
  secret: string,
  headers: Record<string, string | string[] | undefined>,
  body: string,
  now: number,
): void {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  const signatures = headers['webhook-signature']
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') {
    throw new NotVerified('a webhook header is missing')
  }
  if (!(Math.abs(now / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS)) {
    throw new NotVerified('the timestamp is not from now')
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  const genuine = signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
  if (!genuine) throw new NotVerified('no signature fits')
}
