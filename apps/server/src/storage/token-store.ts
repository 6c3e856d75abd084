import type { Scope } from '@normwatch/protocol'
import type { SessionStore } from './session-store.ts'
import { UnitRefused } from './unit-refused.ts'

/** A token as stored. Its secret is not stored: `hash` is the secret's SHA-256, in hex. Instants are milliseconds since 1970. */
export interface StoredToken {
  readonly id: string
  readonly hash: string
  readonly name: string
  readonly scope: Scope
  /** The only project it may touch; `null`: those of `projects`. */
  readonly project: string | null
  /** Names and patterns of the projects it may touch, as JSON; `null`: what `project` says, or else every project. */
  readonly projects: string | null
  /** Addresses and CIDR ranges it may be used from, separated by commas; `null`: everywhere. */
  readonly addresses: string | null
  readonly created_at: number
  /** Name of the token it was made with, or `command line`; `null` for one made before this was noted. */
  readonly created_by: string | null
  readonly expires_at: number | null
  readonly revoked_at: number | null
  readonly last_used_at: number | null
}

export const TOKEN_COLUMNS = [
  'id',
  'hash',
  'name',
  'scope',
  'project',
  'projects',
  'addresses',
  'created_at',
  'created_by',
  'expires_at',
  'revoked_at',
  'last_used_at',
] as const satisfies readonly (keyof StoredToken)[]

export class TokenNotFound extends UnitRefused {
  override readonly name = 'TokenNotFound'
}
/** The bound on tokens is reached; nothing was stored. */
export class TooManyTokens extends UnitRefused {
  override readonly name = 'TooManyTokens'
}

/**
 * Tokens and sessions. Another process (the command line) may create and revoke while a server runs: every call sees what was
 * durable when it was made.
 */
export interface TokenStore extends SessionStore {
  /** Whether a token was ever made, revoked and expired ones included: a server that had one does not open itself again. */
  any(): Promise<boolean>
  /** Throws `TooManyTokens` beyond `MAX_TOKENS`. */
  create(token: StoredToken): Promise<void>
  /** Stores the token if none was ever made; says whether it did. */
  createFirst(token: StoredToken): Promise<boolean>
  byHash(hash: string): Promise<StoredToken | undefined>
  byId(id: string): Promise<StoredToken | undefined>
  /** All of them, the oldest first. */
  list(): Promise<StoredToken[]>
  /** Ends the token and its sessions; a token revoked before keeps its first moment. Throws `TokenNotFound`. */
  revoke(id: string, now: number): Promise<StoredToken>
  /** Records that the token was used; an unknown one is ignored. */
  used(id: string, now: number): Promise<void>
}
