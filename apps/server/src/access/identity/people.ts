import type { StoredSession } from '../../storage/session-store.ts'
import type { Caller } from './caller.ts'
import type { Provider } from './provider.ts'
import type { ProxyUser } from './proxy-user.ts'
import { grantsOf, type Roles } from './roles.ts'

/** How people sign in, and what they may do then. */
export interface People {
  readonly roles: Roles
  /** How long they stay signed in, in milliseconds. */
  readonly sessionMs: number
  /** The provider they sign in with, if there is one. */
  readonly provider: Provider | undefined
}

/** Refusals of people who are known, but may do nothing. */
export type NoRole = 'role_missing'

/** The person of a session as a caller: by the roles of today; `undefined` where they may do nothing, or another provider sent them. */
export function callerOfSession(
  { person, token: id, expires_at: expiresAt, hash }: StoredSession,
  { roles, provider }: Pick<People, 'roles' | 'provider'>,
): Caller | undefined {
  if (person === null || provider === undefined || person.issuer !== provider.issuer) return undefined
  const grants = grantsOf(person.groups, roles)
  if (grants.length === 0) return undefined
  return { id, name: person.name, grants, addresses: null, expiresAt, via: 'cookie', credentialHash: hash }
}

/** The person that a proxy names as a caller. */
export function callerOfProxy({ id, name, groups }: ProxyUser, roles: Roles): Caller | NoRole {
  const grants = grantsOf(groups, roles)
  if (grants.length === 0) return 'role_missing'
  // Every request comes with its groups: a socket ends with the proxy's own connection.
  return { id, name, grants, addresses: null, expiresAt: null, via: 'proxy', credentialHash: '' }
}
