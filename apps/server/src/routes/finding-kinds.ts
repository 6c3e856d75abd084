import { findingKinds } from '@normwatch/detector'
import type { FastifyInstance } from 'fastify'

const named = { enum: Object.keys(findingKinds) }

/** Replaces "a kind of finding" in a route's schema by the kinds that this server knows. */
export function nameFindingKinds(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.schema !== undefined) route.schema = withKinds(route.schema)
  })
}

/** The schema with the names; the same object if it mentions no kind. */
function withKinds<Schema extends object>(schema: Schema): Schema {
  if ('x-finding-kind' in schema) return named as unknown as Schema
  const entries = Object.entries(schema).map(([key, value]: [string, unknown]) => {
    const isObject = typeof value === 'object' && value !== null
    return { key, value, now: isObject ? withKinds(value) : value }
  })
  if (entries.every(({ value, now }) => value === now)) return schema
  const changed = entries.map(({ key, now }) => [key, now] as const)
  return (Array.isArray(schema) ? changed.map(([, now]) => now) : Object.fromEntries(changed)) as Schema
}
