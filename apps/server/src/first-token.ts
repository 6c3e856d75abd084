import { ConfigError } from './config.ts'
import type { FirstToken } from './access/setting-readers.ts'
import type { TokenStore } from './storage/token-store.ts'
import { newToken } from './access/identity/tokens.ts'

export interface FirstTokenOptions {
  /** Whether other machines can reach the server. */
  readonly isShared: boolean
  readonly operatorToken: string | undefined
  /** Whether people can sign in without a token. */
  readonly hasPeople: boolean
  readonly firstToken: FirstToken
  readonly now: number
}

/**
 * Makes sure that a server which other machines reach has a token. Resolves with the secret of a token that was made for
 * this, to be printed once. Rejects with `ConfigError` where none is to be made.
 */
export async function ensureToken(
  tokens: TokenStore,
  { isShared, operatorToken, hasPeople, firstToken, now }: FirstTokenOptions,
): Promise<string | undefined> {
  if (!isShared || operatorToken !== undefined || firstToken === 'file' || (await tokens.any()))
    return undefined
  if (firstToken === 'refuse') {
    if (hasPeople) return undefined
    throw new ConfigError(
      'Other machines can reach this address, and there is no token yet: make one with ' +
        '"normwatch token create --name admin --scope admin", set NORMWATCH_TOKEN, let in by server.json with ' +
        '"--first-token file", or listen on 127.0.0.1.',
    )
  }
  const { token, secret } = newToken({ name: 'first', scope: 'admin' }, now, 'the first start')
  // another server may have been first
  return (await tokens.createFirst(token)) ? secret : undefined
}
