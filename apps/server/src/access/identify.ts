import type { StoredToken, TokenStore } from '../storage/token-store.ts'
import type { Caller } from './caller.ts'
import { hashSecret, sameHash } from './secret.ts'

/** Why a credential does not count. Only whoever holds the secret learns that it expired or was revoked. */
export type Invalid = 'token_invalid' | 'token_expired' | 'token_revoked' | 'session_invalid'

/** The operator's token from the environment, as it is kept in memory. */
export interface OperatorToken {
  readonly hash: string
}

/** Tells who a credential belongs to, from the store at this moment: a revoked token is refused at once. */
export class Identify {
  readonly #tokens: TokenStore
  readonly #operator: OperatorToken | undefined
  readonly #now: () => number

  constructor(tokens: TokenStore, operator: OperatorToken | undefined, now: () => number) {
    this.#tokens = tokens
    this.#operator = operator
    this.#now = now
  }

  /** The caller behind a token's secret. */
  async bearer(secret: string): Promise<Caller | Invalid> {
    const hash = hashSecret(secret)
    if (this.#operator !== undefined && sameHash(hash, this.#operator.hash)) return operatorCaller('bearer')
    // The index is searched by hash: how long that takes tells nothing that would help to guess the secret behind one.
    const token = await this.#tokens.byHash(hash)
    return token === undefined || !sameHash(token.hash, hash) ? 'token_invalid' : this.#caller(token, 'bearer')
  }

  /** The caller behind the secret of a session's cookie. */
  async cookie(secret: string): Promise<Caller | Invalid> {
    const hash = hashSecret(secret)
    const session = await this.#tokens.session(hash)
    if (session === undefined || !sameHash(session.hash, hash) || session.expires_at <= this.#now()) {
      return 'session_invalid'
    }
    const caller = await this.stillValid(session.token, 'cookie')
    return typeof caller === 'string'
      ? caller
      : { ...caller, expiresAt: Math.min(session.expires_at, caller.expiresAt ?? Infinity) }
  }

  /** The caller of a token by its id, as it is now. */
  async stillValid(id: string, via: Caller['via']): Promise<Caller | Invalid> {
    if (id === this.operatorId) return operatorCaller(via, id)
    const token = await this.#tokens.byId(id)
    return token === undefined ? 'token_invalid' : this.#caller(token, via)
  }

  /** Names the operator's token of this very start: another one in the environment ends the sessions of the old one. */
  get operatorId(): string | undefined {
    return this.#operator && `operator-${this.#operator.hash.slice(0, 16)}`
  }

  #caller(token: StoredToken, via: Caller['via']): Caller | Invalid {
    const { id, name, scope, project, expires_at: expiresAt } = token
    if (token.revoked_at !== null) return 'token_revoked'
    if (expiresAt !== null && expiresAt <= this.#now()) return 'token_expired'
    return { id, name, scope, project, expiresAt, via }
  }
}
