import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  NewTokenSchema,
  TokenListSchema,
  TokenSchema,
  TokenWithSecretSchema,
} from '@normwatch/protocol'
import type { Access } from '../access/access.ts'
import { OWNER } from '../access/identity/caller.ts'
import { isTokenAddress, newToken, shownToken } from '../access/identity/tokens.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { replies } from './schemas.ts'

const TokenParams = Type.Object({ token: Type.String({ minLength: 1, maxLength: 64 }) })

export function tokenRoutes({ store, now }: Services, { sockets }: Access): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/tokens',
      { schema: { summary: 'All tokens, without their secrets', response: replies(TokenListSchema) } },
      async () => ({ tokens: (await store.tokens.list()).map(shownToken) }),
    )

    app.post(
      '/tokens',
      {
        schema: {
          summary: 'Create a token; the reply is the only one that shows its secret',
          body: NewTokenSchema,
          response: replies(TokenWithSecretSchema),
        },
      },
      async ({ body, caller }, reply) => {
        const faults = (body.addresses ?? []).flatMap((text, i) =>
          isTokenAddress(text)
            ? []
            : [{ path: `/addresses/${i}`, message: 'must be an IP address or a CIDR range' }],
        )
        if (body.project != null && body.projects != null) {
          faults.push({ path: '/projects', message: 'cannot be given together with project' })
        }
        if (faults.length > 0) throw new Refusal('request_invalid', undefined, faults)
        const { token, secret } = newToken(body, now(), (caller ?? OWNER).name)
        await store.tokens.create(token)
        return reply
          .status(201)
          .header('cache-control', 'no-store')
          .send({ ...shownToken(token), token: secret })
      },
    )

    app.delete(
      '/tokens/:token',
      {
        schema: {
          summary: 'Revoke a token; its sessions and sockets end with it',
          params: TokenParams,
          response: replies(TokenSchema),
        },
      },
      async ({ params }) => {
        const revoked = await store.tokens.revoke(params.token, now())
        await sockets.recheck()
        return shownToken(revoked)
      },
    )
  }
}
