import type { JWTVerifyGetKey } from 'jose'
import type { StoredSession } from '../../storage/session-store.ts'

/** What a provider has ended: all sessions of a person, or the one that it knows as `sid`. At least one of the two is given. */
export interface EndedAtProvider {
  readonly subject: string | undefined
  readonly sid: string | undefined
}

/** The provider's keys, fetched when one is needed, and again for an unknown one at most every 30 s. */
export interface RemoteKeys {
  readonly url: string
  readonly find: JWTVerifyGetKey
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** A token that is older is not accepted: it would end later sessions too. */
const MAX_AGE = '5 minutes'

export async function keysAt(url: string): Promise<RemoteKeys> {
  const { createRemoteJWKSet } = await import('jose')
  return { url, find: createRemoteJWKSet(new URL(url)) }
}

/** Reads a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6). Rejects with an `Error` where it is not valid. */
export async function readLogoutToken(
  token: string,
  { find }: RemoteKeys,
  expected: { readonly issuer: string; readonly audience: string; readonly clockTolerance: number },
): Promise<EndedAtProvider> {
  const { jwtVerify } = await import('jose')
  const { payload } = await jwtVerify(token, find, { ...expected, maxTokenAge: MAX_AGE })
  const { sub, sid, events, nonce } = payload
  const isLogout = typeof events === 'object' && events !== null && Object.hasOwn(events, EVENT)
  // An ID token is no logout token.
  if (!isLogout || nonce !== undefined) throw new Error('This is no logout token.')
  const session = typeof sid === 'string' ? sid : undefined
  if (sub === undefined && session === undefined) throw new Error('The logout token names nobody.')
  return { subject: sub, sid: session }
}

/** Whether a session came from what the provider has ended. */
export function isEnded(
  { person, id_token: idToken }: StoredSession,
  issuer: string,
  { subject, sid }: EndedAtProvider,
): boolean {
  if (person === null || person.issuer !== issuer) return false
  if (subject !== undefined && person.subject !== subject) return false
  const known = idToken === null ? undefined : sidOf(idToken)
  // Where this server does not know it: rather one session too many.
  return sid === undefined || known === sid || (known === undefined && subject !== undefined)
}

/** The provider's name of the session that a validated ID token came from. */
function sidOf(idToken: string): string | undefined {
  const claims: unknown = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const { sid } = claims as { sid?: unknown }
  return typeof sid === 'string' ? sid : undefined
}
