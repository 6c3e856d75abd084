import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Configuration } from 'oidc-provider'
import { onTestFinished, vi } from 'vitest'

/** A person at the provider. */
export interface Account {
  readonly sub: string
  readonly groups?: readonly string[]
  readonly [claim: string]: unknown
}

type IdToken = Record<string, unknown>

const CLIENT = { client_id: 'normwatch', client_secret: 'a-secret-that-is-never-printed' }
const ADA: Account = { sub: 'ada', name: 'Ada Lovelace', email: 'ada@lab.example', groups: ['ml'] }

/** A real provider on loopback, with one person at its keyboard. */
export async function startIdentityProvider() {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  /** The address of the server that people sign in to. */
  let home = 'http://localhost'
  let keys = newKeys()
  let signer = keys
  let provider = await newProvider()
  const stop = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((closed) => server.close(closed))
  }
  onTestFinished(stop)

  const self = {
    issuer,
    /** The settings of a server that people sign in to with this provider. */
    settings: {
      issuer,
      clientId: CLIENT.client_id,
      clientSecret: CLIENT.client_secret,
      scopes: 'openid profile email',
      groupClaims: ['groups'],
      name: 'the lab',
    },
    /** Who signs in next, or `denied`: that person says no. */
    person: ADA as Account | 'denied',
    /** Changes the claims of the next ID tokens, which the provider then signs. */
    change: undefined as ((claims: IdToken) => IdToken) | undefined,
    /** Another key signs from now on, and the one before is no longer known. */
    async rotateKeys() {
      keys = signer = newKeys()
      provider = await newProvider()
    },
    /** It publishes new keys, but signs ID tokens with the one before. */
    async signWithOldKeys() {
      const old = signer
      await self.rotateKeys()
      signer = old
      self.change = (claims) => claims
    },
    /** A token of these claims, signed as the provider signs. */
    sign: (claims: IdToken) => signed(claims, signer),
    /** Sends people back to the server at this address. */
    async serve(address: string) {
      home = address
      provider = await newProvider()
    },
    stop,
    async start() {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
  return self

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!request.url?.startsWith('/interaction/')) return void provider.callback()(request, response)
    const { person } = self
    const result =
      person === 'denied' ? { error: 'access_denied' } : { login: { accountId: person.sub, remember: false } }
    await provider.interactionFinished(request, response, result)
  }

  async function newProvider(): Promise<Provider> {
    const configuration: Configuration = {
      clients: [
        {
          ...CLIENT,
          redirect_uris: [`${home}/api/v1/session/oidc/callback`],
          post_logout_redirect_uris: [`${home}/sign-in`],
          backchannel_logout_uri: `${home}/api/v1/session/oidc/logout`,
          backchannel_logout_session_required: true,
        },
      ],
      jwks: {
        keys: [{ ...keys.privateKey.export({ format: 'jwk' }), kid: keys.kid, use: 'sig', alg: 'RS256' }],
      },
      cookies: { keys: ['of a test'] },
      claims: { openid: ['sub', 'groups'], profile: ['name'], email: ['email', 'email_verified'] },
      features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: {
          enabled: true,
          // Its own page loads a font from elsewhere.
          logoutSource: (context, form) => {
            context.body = `<!doctype html><link rel="icon" href="data:,">${form}
              <button form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>`
          },
        },
      },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      ttl: {
        AccessToken: 600,
        AuthorizationCode: 60,
        Grant: 600,
        IdToken: 600,
        Interaction: 600,
        Session: 600,
      },
      pkce: { required: () => true },
      findAccount: (_, sub) => ({
        accountId: sub,
        claims: async () => ({ ...(self.person as Account), sub }),
      }),
      // Nobody is asked what this server may know.
      loadExistingGrant: async ({ oidc }) => {
        const grant = new oidc.provider.Grant({
          clientId: CLIENT.client_id,
          accountId: oidc.session?.accountId ?? '',
        })
        grant.addOIDCScope('openid profile email')
        await grant.save()
        return grant
      },
    }
    // It warns that its sessions are in memory alone.
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined)
    const made = new Provider(issuer, configuration)
    warn.mockRestore()
    made.use(async (context, next) => {
      await next()
      const { change } = self
      const body = context.body as { id_token?: string }
      if (context.path === '/token' && change !== undefined && body.id_token !== undefined) {
        context.body = { ...body, id_token: signed(change(claimsOf(body.id_token)), signer) }
      }
    })
    return made
  }
}

export type IdentityProvider = Awaited<ReturnType<typeof startIdentityProvider>>

interface Keys {
  readonly kid: string
  readonly privateKey: KeyObject
}
let made = 0
const newKeys = (): Keys => ({
  kid: `key-${++made}`,
  privateKey: generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey,
})

const claimsOf = (token: string): IdToken =>
  JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString())
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token of these claims, signed as the provider signs. */
function signed(claims: IdToken, { kid, privateKey }: Keys): string {
  const text = `${part({ alg: 'RS256', kid, typ: 'JWT' })}.${part(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
}

/** Follows a browser's way through the provider, from `url` until it leads elsewhere. */
export async function walkThrough(url: string, { issuer }: { readonly issuer: string }): Promise<string> {
  const jar = new Map<string, string>()
  let place = url
  while (place.startsWith(issuer)) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(place, { redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const next = response.headers.get('location')
    if (next === null) throw new Error(`${place} answers ${response.status}: ${await response.text()}`)
    place = new URL(next, place).href
  }
  return place
}
