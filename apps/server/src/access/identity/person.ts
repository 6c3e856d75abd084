import { createHash } from 'node:crypto'
import type { StoredPerson } from '../../storage/session-store.ts'

const MAX_NAME = 128
const MAX_GROUP = 256
/** The most groups that are kept of one person. */
const MAX_GROUPS = 1_000

/** What a provider says of a person: claims of its ID token and of its user information. */
export type Claims = Readonly<Record<string, unknown>>

/** The id of a person as a caller: it tells nothing about them, and differs between providers. */
export function personId({ issuer, subject }: Pick<StoredPerson, 'issuer' | 'subject'>): string {
  const hash = createHash('sha256').update(JSON.stringify([issuer, subject]))
  return `person_${hash.digest('hex').slice(0, 32)}`
}

/** The person that claims describe. `groupClaims` name the claims whose values are groups; each is a text or a list of texts. */
export function personOf(
  issuer: string,
  claims: Claims & { readonly sub: string },
  groupClaims: readonly string[],
): StoredPerson {
  const email = textOf(claims['email'])
  const isEmailTrue = claims['email_verified'] === true
  const groups = groupClaims
    // Some providers let people enter any address: only a verified one says who they are.
    .filter((claim) => claim !== 'email' || isEmailTrue)
    .flatMap((claim) => [claims[claim] ?? []].flat())
    .filter(
      (group): group is string => typeof group === 'string' && group !== '' && group.length <= MAX_GROUP,
    )
  const name =
    textOf(claims['name']) ?? textOf(claims['preferred_username']) ?? email ?? textOf(claims.sub) ?? 'unnamed'
  return {
    issuer,
    subject: claims.sub,
    name,
    email: email ?? null,
    groups: [...new Set(groups)].slice(0, MAX_GROUPS),
  }
}

/** A text as names are shown: without control characters, and short. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.replace(/\p{Cc}/gu, '').trim()
  return text === '' ? undefined : text.slice(0, MAX_NAME)
}
