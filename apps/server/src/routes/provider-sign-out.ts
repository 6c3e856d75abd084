import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@normwatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { isEnded, type EndedAtProvider } from '../access/identity/logout-token.ts'
import { personId } from '../access/identity/person.ts'
import { SignInFailed, type Provider } from '../access/identity/provider.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { sessionId } from './sessions.ts'

const Body = Type.Object({ logout_token: Type.String({ minLength: 1 }) })

/** The provider says that it ended a person's session (back-channel logout): those that were opened with it end here too. */
export function providerSignOutRoute(
  { store, audit, now }: Services,
  { people, sockets }: Access,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    app.post('/session/oidc/logout', { schema: { hide: true, body: Body } }, async (request, reply) => {
      const provider = people?.provider
      if (provider === undefined) {
        throw new Refusal('route_not_found', 'People do not sign in with a provider here.')
      }
      const ended = await read(provider, request)
      const { issuer } = provider
      const { subject } = ended
      const opener = subject === undefined ? undefined : personId({ issuer, subject })
      for (const session of await store.tokens.sessions(now(), opener)) {
        if (session.person === null || !isEnded(session, issuer, ended)) continue
        await store.tokens.closeSession(session.hash)
        await audit.record({ id: session.token, name: session.person.name }, request.ip, {
          action: 'session.close',
          kind: 'session',
          id: sessionId(session.hash),
          detail: `signed out at ${provider.name}`,
        })
      }
      await sockets.recheck()
      return reply.header('cache-control', 'no-store').status(200).send()
    })
  }
}

async function read(
  provider: Provider,
  { body, log }: FastifyRequest<{ Body: { logout_token: string } }>,
): Promise<EndedAtProvider> {
  try {
    return await provider.ended(body.logout_token)
  } catch (error) {
    if (!(error instanceof SignInFailed)) throw error
    log.info({ reason: error.message }, 'logout token refused')
    throw new Refusal('request_invalid', 'The logout token is not valid.')
  }
}
