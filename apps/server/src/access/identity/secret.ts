import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { TOKEN_PREFIX } from '@normwatch/protocol'

const RANDOM_BYTES = 32
const TOKEN_FORM = /^nw_[A-Za-z0-9_-]{43,128}$/

/** A new token: `nw_` and the base64url of 32 random bytes. */
export const newTokenSecret = (): string => TOKEN_PREFIX + randomSecret()

/** A new secret for a session's cookie: the base64url of 32 random bytes. */
export const randomSecret = (): string => randomBytes(RANDOM_BYTES).toString('base64url')

/** Whether a text has the form of a token; the operator's own (`NORMWATCH_TOKEN`) must have it too. */
export const hasTokenForm = (text: string): boolean => TOKEN_FORM.test(text)

/**
 * What is stored of a secret: SHA-256, in hex. A slow, salted hash guards secrets that people choose, because those can
 * be guessed; 256 random bits cannot, at any speed, and a hash that takes 100 ms per request would make denial of
 * service easy.
 */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Compares two hashes of `hashSecret` in a time that does not depend on where they differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')]
  return left.length === right.length && timingSafeEqual(left, right)
}
