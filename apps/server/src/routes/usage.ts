import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ProjectLimitsSchema, Type, UsageSchema, type ProjectUsage } from '@normwatch/protocol'
import type { Access } from '../access/access.ts'
import type { Retention } from '../ingest/retention.ts'
import type { Services } from '../services.ts'
import { isoOrNull } from '../storage/to-wire.ts'
import { replies } from './schemas.ts'

const ProjectParams = Type.Object({
  project: Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000-\\u001f/]+$' }),
})
const NONE = { max_runs: null, max_points: null }

/** How much each project holds, and may hold. `retention` is the server's setting. */
export function usageRoutes(
  { store }: Services,
  { projectLimits }: Access,
  retention: Retention | undefined,
): FastifyPluginAsyncTypebox {
  const daysOf = (project: string) => (retention?.projects.get(project) ?? retention?.days) || null

  return async (app) => {
    app.get(
      '/usage',
      { schema: { summary: 'How much each project holds, and its limits', response: replies(UsageSchema) } },
      async () => {
        const limited = new Map(
          (await store.limits.list()).map(({ project, ...limits }) => [project, limits]),
        )
        const totals = new Map((await store.runs.totals()).map((total) => [total.project, total]))
        const sizes = await store.runs.sizes()
        const names = [...new Set([...totals.keys(), ...limited.keys()])].sort()
        const projects = names.map((project): ProjectUsage => {
          const { runs = 0, points = 0, series = 0, last_arrival = null } = totals.get(project) ?? {}
          return {
            project,
            runs,
            points,
            series,
            bytes: sizes.get(project) ?? 0,
            last_activity: isoOrNull(last_arrival),
            retention_days: daysOf(project),
            limits: limited.get(project) ?? NONE,
          }
        })
        return { projects }
      },
    )

    app.put(
      '/projects/:project/limits',
      {
        config: { invalid: 'request_invalid' },
        schema: {
          summary: 'Limit the runs and points of a project',
          params: ProjectParams,
          body: ProjectLimitsSchema,
          response: replies(ProjectLimitsSchema),
        },
      },
      async ({ params, body }) => {
        await store.limits.put({ project: params.project, ...body })
        projectLimits.forget()
        return body
      },
    )
  }
}
