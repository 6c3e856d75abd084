import type { FastifyRequest } from 'fastify'

export const CHANGES_RUNS = ['POST /api/v1/runs', 'PUT /api/v1/runs/:id', 'PATCH /api/v1/runs/:id']

export const routeOf = ({ method, routeOptions }: FastifyRequest) => `${method} ${routeOptions.url}`
export const isPoints = (request: FastifyRequest) => routeOf(request) === 'POST /api/v1/runs/:id/points'

/** Estimated points in a body; the exact number is known after parsing. */
export function countPoints(body: unknown): number {
  const { points, columns } = (body ?? {}) as { points?: unknown; columns?: { step?: unknown } }
  const rows = Array.isArray(points) ? points : columns?.step
  return Array.isArray(rows) ? rows.length : 0
}
