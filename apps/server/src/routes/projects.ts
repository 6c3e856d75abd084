import { matcherOf, Type } from '@normwatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Services } from '../services.ts'
import { replies } from './schemas.ts'

export function projectRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/projects',
      {
        schema: {
          summary: 'Names of all projects, A to Z',
          response: replies(Type.Object({ projects: Type.Array(Type.String()) })),
        },
      },
      async ({ reach }) => ({ projects: (await store.runs.projects()).filter(matcherOf(reach)) }),
    )
  }
}
