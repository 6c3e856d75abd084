import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '@normwatch/protocol'
import type { Access } from '../access/access.ts'
import { personId } from '../access/identity/person.ts'
import { SignInFailed, type Provider, type SignInFault } from '../access/identity/provider.ts'
import { grantsOf } from '../access/identity/roles.ts'
import { hashSecret, randomSecret } from '../access/identity/secret.ts'
import { cookieOptions, SESSION_COOKIE } from '../access/identity/session-cookie.ts'
import {
  readSignIn,
  signInCookie,
  signInCookieOptions,
  writeSignIn,
} from '../access/identity/sign-in-cookie.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { SignInReplayed } from '../storage/session-store.ts'
import { addressOf } from './own-address.ts'
import { sessionId } from './sessions.ts'

/** What the sign-in page says of a sign-in that did not succeed. */
type Failure =
  | SignInFault
  /** It was begun in another browser or too long ago, or was completed before. */
  | 'stale'
  /** The person is known, but has no role here. */
  | 'no_role'

/** Pages for browsers, not for programs: the API's description leaves them out. */
const hide = true
const StartQuery = Type.Object({ to: Type.Optional(Type.String({ maxLength: 4_000 })) })
const CallbackQuery = Type.Object({ state: Type.Optional(Type.String({ maxLength: 1_000 })) })

/**
 * People sign in at the provider: it sends their browser back with a code, and the browser gets a session's cookie. Both ways end
 * on the sign-in page, which leads on to the place that was asked for, or says what went wrong.
 */
export function providerRoutes({ store, audit, now }: Services, access: Access): FastifyPluginAsyncTypebox {
  const { people, basePath } = access
  const callbackOf = (request: FastifyRequest) => `${addressOf(request, access)}/api/v1/session/oidc/callback`
  const provided = (): Provider => {
    if (people?.provider === undefined) {
      throw new Refusal('route_not_found', 'People do not sign in with a provider here.')
    }
    return people.provider
  }
  const lead = (reply: FastifyReply, to: string | null, result: { done: '1' } | { failed: Failure }) => {
    const query = new URLSearchParams({ ...(to === null ? {} : { to }), ...result })
    return reply.header('cache-control', 'no-store').redirect(`${basePath}/sign-in?${query}`)
  }
  const failureOf = (request: FastifyRequest, error: unknown): Failure => {
    if (!(error instanceof SignInFailed)) throw error
    const level = error.fault === 'denied' ? 'info' : 'warn'
    request.log[level]({ reason: error.message }, 'sign-in failed')
    return error.fault
  }

  return async (app) => {
    app.get('/session/oidc', { schema: { hide, querystring: StartQuery } }, async (request, reply) => {
      const { to = null } = request.query
      try {
        const { url, checks } = await provided().start(callbackOf(request))
        return await reply
          .setCookie(
            signInCookie(checks.state),
            writeSignIn({ ...checks, to }, now()),
            signInCookieOptions(request, basePath),
          )
          .header('cache-control', 'no-store')
          .redirect(url)
      } catch (error) {
        return lead(reply, to, { failed: failureOf(request, error) })
      }
    })

    app.get(
      '/session/oidc/callback',
      { schema: { hide, querystring: CallbackQuery } },
      async (request, reply) => {
        const provider = provided()
        const { state = '' } = request.query
        const name = signInCookie(state)
        const pending = readSignIn(request.cookies[name], state, now())
        if (pending === undefined) {
          await audit.refused(request.ip, 'stale')
          return lead(reply, null, { failed: 'stale' })
        }
        void reply.clearCookie(name, signInCookieOptions(request, basePath))
        const { to } = pending
        try {
          const query = request.url.slice(request.url.indexOf('?') + 1)
          const { person, idToken } = await provider.finish(callbackOf(request), query, pending)
          const { roles, sessionMs } = people as NonNullable<typeof people>
          const by = { id: personId(person), name: person.name }
          if (grantsOf(person.groups, roles).length === 0) {
            await audit.refused(request.ip, 'no_role', by)
            return await lead(reply, to, { failed: 'no_role' })
          }
          const secret = randomSecret()
          const at = now()
          const session = {
            hash: hashSecret(secret),
            token: personId(person),
            opened_at: at,
            expires_at: at + sessionMs,
            person,
            id_token: idToken.length <= MAX_ID_TOKEN ? idToken : null,
          }
          await store.tokens.openSession(session, at, hashSecret(state))
          await audit.record(by, request.ip, {
            action: 'session.open',
            kind: 'session',
            id: sessionId(session.hash),
            detail: `with ${provider.name}`,
          })
          void reply.setCookie(SESSION_COOKIE, secret, {
            ...cookieOptions(request, access),
            expires: new Date(session.expires_at),
          })
          return await lead(reply, to, { done: '1' })
        } catch (error) {
          const failed = error instanceof SignInReplayed ? 'stale' : failureOf(request, error)
          await audit.refused(request.ip, failed)
          return lead(reply, to, { failed })
        }
      },
    )
  }
}

/** Characters of an ID token that is kept for the sign-out: it goes into an address. */
const MAX_ID_TOKEN = 8_000
