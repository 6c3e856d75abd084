import type { Scope } from '@normwatch/protocol'

/** A token as stored. Its secret is nowhere: `hash` is the SHA-256 of it, in hex. Instants are milliseconds since 1970. */
export interface StoredToken {
  readonly id: string
  readonly hash: string
  readonly name: string
  readonly scope: Scope
  /** The only project it may touch; `null`: every project. */
  readonly project: string | null
  readonly created_at: number
  readonly expires_at: number | null
  readonly revoked_at: number | null
  readonly last_used_at: number | null
}

/** A browser that is signed in. `hash` is the SHA-256 of its cookie, in hex. */
export interface StoredSession {
  readonly hash: string
  /** Id of the token it was opened with. */
  readonly token: string
  readonly expires_at: number
}

export class TokenNotFound extends Error {
  override readonly name = 'TokenNotFound'
}
/** The bound on tokens is reached; nothing was stored. */
export class TooManyTokens extends Error {
  override readonly name = 'TooManyTokens'
}

/**
 * Who may ask. Another process (the command line) may create and revoke while a server runs: every call sees what was
 * durable when it was made.
 */
export interface TokenStore {
  /** Whether a token was ever made, revoked and expired ones included: a server that had one does not open itself again. */
  any(): Promise<boolean>
  /** Throws `TooManyTokens` beyond `MAX_TOKENS`. */
  create(token: StoredToken): Promise<void>
  byHash(hash: string): Promise<StoredToken | undefined>
  byId(id: string): Promise<StoredToken | undefined>
  /** All of them, the oldest first. */
  list(): Promise<StoredToken[]>
  /** Ends the token and its sessions; a token revoked before keeps its first moment. Throws `TokenNotFound`. */
  revoke(id: string, now: number): Promise<StoredToken>
  /** Notes that the token was used. One that is gone is ignored. */
  used(id: string, now: number): Promise<void>

  /** Forgets sessions that have expired at `now`, and keeps this one. */
  openSession(session: StoredSession, now: number): Promise<void>
  session(hash: string): Promise<StoredSession | undefined>
  /** Forgets it. One that is gone is ignored. */
  closeSession(hash: string): Promise<void>
}
