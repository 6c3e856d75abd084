import type { StoredToken, TokenStore } from '../../storage/token-store.ts'
import { OWNER, type Caller } from './caller.ts'
import { callerOfProxy, callerOfSession, type NoRole, type People } from './people.ts'
import type { ProxyUser } from './proxy-user.ts'
import { hashSecret, sameHash } from './secret.ts'
import { grantsOf } from './tokens.ts'

/** Why a credential is refused. Only the holder of the secret learns that it expired or was revoked. */
export type Invalid =
  'token_missing' | 'token_invalid' | 'token_expired' | 'token_revoked' | 'session_invalid' | NoRole

export interface AuthenticatorOptions {
  /** The admin token of NORMWATCH_TOKEN, if there is one. */
  readonly operatorToken?: string | undefined
  /** The admin token in `server.json`, if any: it is accepted, but does not make the server require tokens. */
  readonly localToken?: string | undefined
  /** Whether it asks for a token even when none was made: others can reach the server. */
  readonly asksAnyway: boolean
  /** How people sign in; `undefined`: only tokens do. With it, nobody is let in without being asked. */
  readonly people?: People | undefined
  readonly now: () => number
}

/** Looks the caller up in the store on every request, so that a revoked token is refused at once. */
export class Authenticator {
  readonly #tokens: TokenStore
  /** Hashes of the tokens that are not in the store. */
  readonly #operatorHashes: readonly string[]
  readonly #people: People | undefined
  readonly #now: () => number
  #asksForTokens: boolean
  /** The question whether there is a token, shared by all who ask in one turn of the event loop. */
  #anyToken: Promise<boolean> | undefined

  constructor(
    tokens: TokenStore,
    { operatorToken, localToken, asksAnyway, people, now }: AuthenticatorOptions,
  ) {
    this.#tokens = tokens
    this.#operatorHashes = [operatorToken, localToken].flatMap((token) => token ?? []).map(hashSecret)
    this.#asksForTokens = asksAnyway || operatorToken !== undefined || people !== undefined
    this.#people = people
    this.#now = now
  }

  /** Whether the server is open: everybody who reaches it is its owner. Never again after the first token was created. */
  async isOpen(): Promise<boolean> {
    if (this.#asksForTokens) return false
    if (this.#anyToken === undefined) {
      this.#anyToken = this.#tokens.any()
      setImmediate(() => (this.#anyToken = undefined))
    }
    this.#asksForTokens ||= await this.#anyToken
    return !this.#asksForTokens
  }

  /** The caller behind a token. */
  bearer(secret: string): Promise<Caller | Invalid> {
    return this.#byToken(hashSecret(secret))
  }

  /** The caller behind a session's cookie. */
  cookie(secret: string): Promise<Caller | Invalid> {
    return this.#bySession(hashSecret(secret))
  }

  /** The caller that a trusted proxy names. */
  proxyUser(user: ProxyUser): Caller | Invalid {
    return this.#people === undefined ? 'token_missing' : callerOfProxy(user, this.#people.roles)
  }

  /** The same caller, as it is now. */
  async recheck(caller: Caller): Promise<Caller | Invalid> {
    const { via, credentialHash } = caller
    // The proxy vouched for the whole connection.
    if (via === 'proxy') return caller
    if (via === 'nothing') return (await this.isOpen()) ? OWNER : 'token_missing'
    return via === 'bearer' ? this.#byToken(credentialHash) : this.#bySession(credentialHash)
  }

  async #byToken(hash: string): Promise<Caller | Invalid> {
    const known = this.#operatorHashes.find((other) => sameHash(hash, other))
    if (known !== undefined) return operator(known, 'bearer', hash)
    // Tokens are looked up by hash, so the time it takes reveals nothing about the secret.
    const token = await this.#tokens.byHash(hash)
    if (token === undefined || !sameHash(token.hash, hash)) return 'token_invalid'
    return this.#caller(token, 'bearer', hash)
  }

  async #bySession(hash: string): Promise<Caller | Invalid> {
    const session = await this.#tokens.session(hash)
    if (session === undefined || !sameHash(session.hash, hash) || session.expires_at <= this.#now()) {
      return 'session_invalid'
    }
    if (session.person !== null) {
      return (this.#people && callerOfSession(session, this.#people)) ?? 'session_invalid'
    }
    const caller = await this.#byId(session.token, hash)
    if (typeof caller === 'string') return caller
    return { ...caller, expiresAt: Math.min(session.expires_at, caller.expiresAt ?? Infinity) }
  }

  async #byId(id: string, credentialHash: string): Promise<Caller | Invalid> {
    if (id.startsWith(OPERATOR)) {
      // Another token in the environment ends the sessions that were opened with the old one.
      const known = this.#operatorHashes.find((hash) => operatorId(hash) === id)
      return known === undefined ? 'session_invalid' : operator(known, 'cookie', credentialHash)
    }
    const token = await this.#tokens.byId(id)
    return token === undefined ? 'session_invalid' : this.#caller(token, 'cookie', credentialHash)
  }

  #caller(token: StoredToken, via: Caller['via'], credentialHash: string): Caller | Invalid {
    const { id, name, addresses, expires_at: expiresAt } = token
    if (token.revoked_at !== null) return 'token_revoked'
    if (expiresAt !== null && expiresAt <= this.#now()) return 'token_expired'
    return { id, name, grants: grantsOf(token), addresses, expiresAt, via, credentialHash }
  }
}

const OPERATOR = 'operator-'
const operatorId = (hash: string) => OPERATOR + hash.slice(0, 16)

function operator(hash: string, via: Caller['via'], credentialHash: string): Caller {
  const id = operatorId(hash)
  return { ...OWNER, id, name: 'operator', via, credentialHash }
}
