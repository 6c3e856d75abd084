import { UnitRefused } from './unit-refused.ts'

/** A person as an identity provider described them when they signed in. */
export interface StoredPerson {
  /** URL of the provider. */
  readonly issuer: string
  /** The provider's own id of the person; with `issuer` it never means anybody else. */
  readonly subject: string
  readonly name: string
  readonly email: string | null
  readonly groups: readonly string[]
}

/** A browser session. `hash` is the SHA-256 of its cookie, in hex. Instants are milliseconds since 1970. */
export interface StoredSession {
  readonly hash: string
  /** Id of the token or of the person that it was opened with. */
  readonly token: string
  /** `null`: opened before this was noted. */
  readonly opened_at: number | null
  readonly expires_at: number
  /** Who signed in; `null`: a token did. */
  readonly person: StoredPerson | null
  /** What the provider is told at sign-out, so that it knows which of its sessions to end. */
  readonly id_token: string | null
}

/** A session as the engines' rows hold it: `person` as JSON. */
export type SessionRow = Omit<StoredSession, 'person'> & { readonly person: string | null }

export const SESSION_COLUMNS = [
  'hash',
  'token',
  'opened_at',
  'expires_at',
  'person',
  'id_token',
] as const satisfies readonly (keyof StoredSession)[]

export const sessionRow = (session: StoredSession): SessionRow => ({
  ...session,
  person: session.person && JSON.stringify(session.person),
})
export const sessionOf = (row: SessionRow): StoredSession => ({
  ...row,
  person: row.person === null ? null : (JSON.parse(row.person) as StoredPerson),
})

/** Digits of its hash that a session is named by where it is listed. */
export const SESSION_ID_DIGITS = 32
/** The most sessions that a list has. */
export const MAX_LISTED_SESSIONS = 1_000
/** How long the state of a completed sign-in is remembered, in milliseconds: longer than any sign-in may take. */
export const STATE_KEPT_MS = 3_600_000

/** A session was opened out of this sign-in before; nothing was stored. */
export class SignInReplayed extends UnitRefused {
  override readonly name = 'SignInReplayed'
}

export interface SessionStore {
  /**
   * Removes sessions that have expired at `now`, and stores this one. `state`: what the sign-in at a provider was named by; of one
   * name only one session is ever opened. Throws `SignInReplayed`.
   */
  openSession(session: StoredSession, now: number, state?: string): Promise<void>
  session(hash: string): Promise<StoredSession | undefined>
  /** The session whose hash begins with these `SESSION_ID_DIGITS` digits. */
  sessionById(digits: string): Promise<StoredSession | undefined>
  /** Sessions that last beyond `now`, the newest first, at most `MAX_LISTED_SESSIONS`; `opener`: only those of this token or person. */
  sessions(now: number, opener?: string): Promise<StoredSession[]>
  /** Removes the session; an unknown one is ignored. */
  closeSession(hash: string): Promise<void>
}
