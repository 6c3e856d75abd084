import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { Nullable } from './nullable.ts'

const Limit = (description: string) =>
  Nullable(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description }))

/** Projects that may have limits. */
export const MAX_LIMITED_PROJECTS = 1_000

/** Body of `PUT /projects/{project}/limits`; `null`: no limit. */
export const ProjectLimitsSchema = Type.Object(
  {
    max_runs: Limit('Runs that the project may have.'),
    max_points: Limit('Points (distinct steps) that its runs may have together.'),
  },
  { additionalProperties: false },
)
export type ProjectLimits = Static<typeof ProjectLimitsSchema>

export const ProjectUsageSchema = Type.Object({
  project: Type.String(),
  runs: Type.Integer(),
  points: Type.Integer({ description: 'Distinct steps of all its runs.' }),
  series: Type.Integer({ description: 'Metrics and layers of all its runs.' }),
  bytes: Type.Integer({ description: 'Bytes that the points take in the store.' }),
  last_activity: Nullable(
    Type.String({ format: 'date-time', description: 'When points last arrived, or a run was created.' }),
  ),
  retention_days: Nullable(
    Type.Integer({ description: 'Days of silence after which a run is removed; null: never.' }),
  ),
  limits: ProjectLimitsSchema,
})
export type ProjectUsage = Static<typeof ProjectUsageSchema>

/** Reply of `GET /usage`: A to Z. A project with limits and no runs is there too. */
export const UsageSchema = Type.Object({ projects: Type.Array(ProjectUsageSchema) })
export type Usage = Static<typeof UsageSchema>
