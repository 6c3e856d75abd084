import { Type } from '@normwatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Caller } from '../access/identity/caller.ts'
import { mayTouch } from '../access/may.ts'
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
      async ({ caller }) => {
        const projects = await store.runs.projects()
        return { projects: projects.filter((project) => mayTouch(caller as Caller, project)) }
      },
    )
  }
}
