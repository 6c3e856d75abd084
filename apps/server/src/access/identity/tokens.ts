import { randomUUID } from 'node:crypto'
import { onlyProject, patternOf, type Grant, type NewToken, type Token } from '@normwatch/protocol'
import { isRange } from '../../address-ranges.ts'
import type { StoredToken } from '../../storage/token-store.ts'
import { iso, isoOrNull } from '../../storage/to-wire.ts'
import { hashSecret, newTokenSecret } from './secret.ts'

const DAY = 24 * 3_600_000

/** A new token, made by `maker`, and its secret. Only the secret's hash is stored, so it can be shown only now. */
export function newToken(
  { name, scope, project, projects, addresses, expires_in_days: days }: NewToken,
  now: number,
  maker: string,
): { readonly token: StoredToken; readonly secret: string } {
  const secret = newTokenSecret()
  // one name is kept as it always was
  const only = project ?? onlyProject(projects ?? [])
  const token: StoredToken = {
    id: `tok_${randomUUID()}`,
    hash: hashSecret(secret),
    name,
    scope,
    project: only,
    projects: only === null && projects != null ? JSON.stringify(projects) : null,
    addresses: addresses?.join(',') ?? null,
    created_at: now,
    created_by: maker,
    expires_at: days == null ? null : now + Math.round(days * DAY),
    revoked_at: null,
    last_used_at: null,
  }
  return { token, secret }
}

/** What a token allows its holder. */
export const grantsOf = (token: StoredToken): Grant[] => [
  { scope: token.scope, projects: patternsOf(token) ?? 'all' },
]

function patternsOf({ project, projects }: StoredToken): string[] | null {
  if (projects !== null) return JSON.parse(projects) as string[]
  return project === null ? null : [patternOf(project)]
}

/** Whether a token can be limited to this: an IP address or a CIDR range, without a zone. */
export const isTokenAddress = (text: string): boolean => !text.includes('%') && isRange(text)

/** The token for replies: without its hash. */
export function shownToken(stored: StoredToken): Token {
  const { hash: _, ...token } = stored
  const { addresses, created_at, expires_at, revoked_at, last_used_at } = token
  return {
    ...token,
    projects: patternsOf(stored),
    addresses: addresses?.split(',') ?? null,
    created_at: iso(created_at),
    expires_at: isoOrNull(expires_at),
    revoked_at: isoOrNull(revoked_at),
    last_used_at: isoOrNull(last_used_at),
  }
}
