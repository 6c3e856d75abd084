import type * as openidClient from 'openid-client'
import type { ClientMetadata, Configuration, ServerMetadata } from 'openid-client'
import type { StoredPerson } from '../../storage/session-store.ts'
import { keysAt, readLogoutToken, type EndedAtProvider, type RemoteKeys } from './logout-token.ts'
import { personOf } from './person.ts'

export interface ProviderSettings {
  /** Its URL, exactly as it names itself. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Separated by spaces; `openid` among them. */
  readonly scopes: string
  /** The claims that list a person's groups. */
  readonly groupClaims: readonly string[]
  /** How the sign-in page calls it. */
  readonly name: string
}

/** What one sign-in is recognised by when its person comes back; see RFC 6749, RFC 7636 and OpenID Connect Core 3.1. */
export interface SignInChecks {
  /** Names the sign-in, in the address. */
  readonly state: string
  /** Names it inside the ID token. */
  readonly nonce: string
  /** The secret whose hash the provider got first (PKCE). */
  readonly verifier: string
}

/** Why nobody could be signed in. */
export type SignInFault =
  /** The person, or the provider on their behalf, said no. */
  | 'denied'
  /** The provider does not answer. */
  | 'unreachable'
  /** The provider's answer is not valid for this sign-in. */
  | 'failed'

export class SignInFailed extends Error {
  override readonly name = 'SignInFailed'
  readonly fault: SignInFault

  constructor(fault: SignInFault, cause: unknown) {
    super(sentenceOf(cause), { cause })
    this.fault = fault
  }
}

/** Seconds that the provider may take for one answer. */
const TIMEOUT_S = 8
/** Seconds by which its clock may differ from this one. */
const CLOCK_TOLERANCE_S = 60
/** Milliseconds for which what it says about itself is kept. Its keys are fetched for each sign-in, so that new ones count at once. */
const METADATA_KEPT_MS = 60_000

type Library = typeof openidClient

/** An OpenID Connect provider that people sign in with: authorization code with PKCE, `state` and `nonce`. */
export class Provider {
  readonly issuer: string
  readonly name: string
  readonly #settings: ProviderSettings
  readonly #now: () => number
  /** The keys that logout tokens are signed with. */
  #keys: RemoteKeys | undefined
  #metadata: { readonly value: ServerMetadata; readonly until: number } | undefined

  constructor(settings: ProviderSettings, now: () => number) {
    this.issuer = settings.issuer
    this.name = settings.name
    this.#settings = settings
    this.#now = now
  }

  /** Where to send a browser that is to sign in and come back to `redirectUri`. Rejects with `SignInFailed`. */
  start(redirectUri: string): Promise<{ readonly url: string; readonly checks: SignInChecks }> {
    return this.#ask(async (library, config) => {
      const checks = {
        state: library.randomState(),
        nonce: library.randomNonce(),
        verifier: library.randomPKCECodeVerifier(),
      }
      const url = library.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: this.#settings.scopes,
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await library.calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, checks }
    })
  }

  /**
   * Who came back to `redirectUri` with this query. Checks `state`, the provider's name in the address (RFC 9207), and of the ID
   * token signature, issuer, audience, nonce and times. Rejects with `SignInFailed`.
   */
  finish(
    redirectUri: string,
    query: string,
    { state, nonce, verifier }: SignInChecks,
  ): Promise<{ readonly person: StoredPerson; readonly idToken: string }> {
    return this.#ask(async (library, config) => {
      const tokens = await library.authorizationCodeGrant(config, new URL(`${redirectUri}?${query}`), {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      })
      const { id_token: idToken } = tokens
      const claims = tokens.claims()
      if (claims === undefined || idToken === undefined) throw new Error('The provider sent no ID token.')
      // Many providers name groups only here.
      const more =
        config.serverMetadata().userinfo_endpoint === undefined
          ? {}
          : await library.fetchUserInfo(config, tokens.access_token, claims.sub)
      return { person: personOf(this.issuer, { ...more, ...claims }, this.#settings.groupClaims), idToken }
    })
  }

  /** Where a browser ends its session with the provider and comes back to `returnTo`; `undefined` where it offers no such place. */
  async signOutUrl(idToken: string, returnTo: string): Promise<string | undefined> {
    try {
      return await this.#ask(async (library, config) => {
        if (config.serverMetadata().end_session_endpoint === undefined) return undefined
        const hints = { id_token_hint: idToken, post_logout_redirect_uri: returnTo }
        return library.buildEndSessionUrl(config, hints).href
      })
    } catch (error) {
      // This server's own session has ended all the same.
      if (error instanceof SignInFailed && error.fault === 'unreachable') return undefined
      throw error
    }
  }

  /** What a token of the provider says it has ended. Rejects with `SignInFailed`, also where it is no valid token. */
  ended(token: string): Promise<EndedAtProvider> {
    return this.#ask(async (_, config) => {
      const { jwks_uri: keys = '' } = config.serverMetadata()
      if (this.#keys?.url !== keys) this.#keys = await keysAt(keys)
      const { issuer = this.issuer } = config.serverMetadata()
      return readLogoutToken(token, this.#keys, {
        issuer,
        audience: this.#settings.clientId,
        clockTolerance: CLOCK_TOLERANCE_S,
      })
    })
  }

  async #ask<T>(work: (library: Library, config: Configuration) => Promise<T>): Promise<T> {
    // Loaded at the first sign-in: a server without people needs no memory for it.
    const library = await import('openid-client')
    try {
      return await work(library, await this.#configure(library))
    } catch (error) {
      throw new SignInFailed(faultOf(library, error), error)
    }
  }

  async #configure(library: Library): Promise<Configuration> {
    const { clientId, clientSecret } = this.#settings
    const client: Partial<ClientMetadata> = {
      client_secret: clientSecret,
      [library.clockTolerance]: CLOCK_TOLERANCE_S,
    }
    const metadata = await this.#metadataOf(library, client)
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const authentication = methods.includes('client_secret_basic')
      ? library.ClientSecretBasic(clientSecret)
      : library.ClientSecretPost(clientSecret)
    const config = new library.Configuration(metadata, clientId, client, authentication)
    config.timeout = TIMEOUT_S
    // The signature too, although TLS already says who answered.
    library.enableNonRepudiationChecks(config)
    if (isPlainHttp(this.issuer)) library.allowInsecureRequests(config)
    return config
  }

  async #metadataOf(library: Library, client: Partial<ClientMetadata>): Promise<ServerMetadata> {
    if (this.#metadata !== undefined && this.#now() < this.#metadata.until) return this.#metadata.value
    const config = await library.discovery(new URL(this.issuer), this.#settings.clientId, client, undefined, {
      timeout: TIMEOUT_S,
      execute: isPlainHttp(this.issuer) ? [library.allowInsecureRequests] : [],
    })
    const value = { ...config.serverMetadata() }
    this.#metadata = { value, until: this.#now() + METADATA_KEPT_MS }
    return value
  }
}

/** Allowed by the settings on this machine alone. */
const isPlainHttp = (issuer: string) => issuer.startsWith('http:')

function faultOf(library: Library, error: unknown): SignInFault {
  if (error instanceof library.AuthorizationResponseError) {
    return error.error === 'access_denied' ? 'denied' : 'failed'
  }
  const { code, cause } = error as Error & { code?: string }
  const isBroken = cause instanceof Response && cause.status >= 500
  // `fetch` rejects with a `TypeError` where no answer came.
  return error instanceof TypeError || code === 'OAUTH_TIMEOUT' || isBroken ? 'unreachable' : 'failed'
}

/** What went wrong, for the log: with nothing in it that a browser sent. */
function sentenceOf(fault: unknown): string {
  const { message, code, cause, error } = fault as Error & { code?: string; error?: string }
  const parts = [code, message, cause instanceof Error ? cause.message : undefined]
  // such as `invalid_client`
  if (error !== undefined && /^[a-z_]{1,64}$/.test(error)) parts.push(error)
  return parts
    .filter((part) => part !== undefined)
    .join(': ')
    .slice(0, 300)
}
