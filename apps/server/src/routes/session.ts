import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  onlyProject,
  projectsFor,
  SCOPES,
  SessionSchema,
  SignedOutSchema,
  SignInSchema,
  type Session,
} from '@normwatch/protocol'
import type { Access } from '../access/access.ts'
import type { Caller } from '../access/identity/caller.ts'
import { hashSecret, randomSecret } from '../access/identity/secret.ts'
import { cookieOptions, SESSION_COOKIE, SESSION_LIVES_MS } from '../access/identity/session-cookie.ts'
import { refuseElsewhere } from '../access/may.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { isoOrNull } from '../storage/to-wire.ts'
import { addressOf } from './own-address.ts'
import { noContent, replies } from './schemas.ts'
import { sessionId } from './sessions.ts'

const STRONGEST_FIRST = ['admin', 'write', 'read'] as const

/** A browser signs in with a token and gets a cookie; no page ever holds the token. */
export function sessionRoutes({ store, audit, now }: Services, access: Access): FastifyPluginAsyncTypebox {
  const { authenticator, sockets, people } = access
  const shown = async (caller: Caller | undefined): Promise<Session> => ({
    open: await authenticator.isOpen(),
    provider: people?.provider === undefined ? null : { name: people.provider.name },
    caller: caller === undefined ? null : shownCaller(caller),
  })
  async function refuseFrom(caller: Caller, address: string): Promise<void> {
    try {
      refuseElsewhere(caller, address)
    } catch (error) {
      await audit.refused(address, 'address_forbidden')
      throw error
    }
  }
  return async (app) => {
    app.get(
      '/session',
      { schema: { summary: 'Who the caller is', response: replies(SessionSchema) } },
      async ({ caller }, reply) => reply.header('cache-control', 'no-store').send(await shown(caller)),
    )

    app.post(
      '/session',
      { schema: { summary: 'Sign a browser in', body: SignInSchema, response: replies(SessionSchema) } },
      async (request, reply) => {
        const { body } = request
        const caller = await authenticator.bearer(body.token)
        if (typeof caller === 'string') {
          await audit.refused(request.ip, caller)
          throw new Refusal(caller)
        }
        await refuseFrom(caller, request.ip)
        const secret = randomSecret()
        const hash = hashSecret(secret)
        const expires_at = Math.min(now() + SESSION_LIVES_MS, caller.expiresAt ?? Infinity)
        const at = now()
        const opener = { token: caller.id, person: null, id_token: null }
        await store.tokens.openSession({ hash, ...opener, opened_at: at, expires_at }, at)
        await audit.record(caller, request.ip, {
          action: 'session.open',
          kind: 'session',
          id: sessionId(hash),
          detail: 'with a token',
        })
        return reply
          .setCookie(SESSION_COOKIE, secret, {
            ...cookieOptions(request, access),
            expires: new Date(expires_at),
          })
          .header('cache-control', 'no-store')
          .send(await shown({ ...caller, expiresAt: expires_at }))
      },
    )

    app.delete(
      '/session',
      {
        schema: { summary: 'Sign the browser out', response: { 200: SignedOutSchema, ...noContent } },
      },
      async (request, reply) => {
        const secret = request.cookies[SESSION_COOKIE]
        const session = secret === undefined ? undefined : await store.tokens.session(hashSecret(secret))
        if (session !== undefined) await store.tokens.closeSession(session.hash)
        await sockets.recheck()
        const { caller, ip } = request
        if (caller?.via === 'cookie') {
          const id = sessionId(caller.credentialHash)
          await audit.record(caller, ip, { action: 'session.close', kind: 'session', id })
        }
        void reply.clearCookie(SESSION_COOKIE, cookieOptions(request, access))
        const { person = null, id_token: idToken } = session ?? {}
        if (person === null || idToken == null) return reply.status(204).send(undefined)
        const returnTo = `${addressOf(request, access)}/sign-in`
        return reply.send({ continue_at: (await people?.provider?.signOutUrl(idToken, returnTo)) ?? null })
      },
    )
  }
}

function shownCaller({ name, grants, expiresAt, via }: Caller): Session['caller'] {
  return {
    name,
    scope: STRONGEST_FIRST.find((scope) => grants.some((grant) => grant.scope === scope)) ?? null,
    project: onlyProject(projectsFor(grants, ...SCOPES)),
    grants: grants.map(({ scope, projects }) => ({
      scope,
      projects: projects === 'all' ? projects : [...projects],
    })),
    signs_out: via === 'cookie',
    expires_at: isoOrNull(expiresAt),
  }
}
