import type { OpenAPIV3_1 } from 'openapi-types'
import { VERSION } from '../version.ts'
import { examples, pathExamples } from './examples.ts'
import { groupOf, groups } from './groups.ts'

export type Document = OpenAPIV3_1.Document
export type Operation = OpenAPIV3_1.OperationObject
export type Parameter = OpenAPIV3_1.ParameterObject
export type Schema = Record<string, unknown>

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

/** The head of the document; the paths come from the routes themselves. */
export const head: Omit<Document, 'paths'> = {
  openapi: '3.1.0',
  info: {
    title: 'Normwatch',
    version: VERSION,
    license: { name: 'MIT', identifier: 'MIT' },
    description:
      'Points in, charts and findings out. Bodies are JSON. Non-finite readings travel as the strings "NaN", "Infinity" and ' +
      '"-Infinity", in both directions; null is no reading. A refusal is {"error": {"code", "message", "details"}}: it names ' +
      'the field, and nothing of the request was stored. The live socket is GET /api/v1/live.',
  },
  tags: groups.map(({ name, description }) => ({ name, description })),
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  // An open server requires none.
  security: [{ token: [] }, {}],
}

/** Each operation with its method and path, as `GET /api/v1/runs`. */
export function operationsOf({
  paths = {},
}: Document): { method: string; path: string; operation: Operation }[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item?.[method]
      return operation === undefined ? [] : [{ method: method.toUpperCase(), path, operation }]
    }),
  )
}

/** Completes the collected routes: groups, names, examples and descriptions of replies. */
export function complete(document: Document): Document {
  const whole = structuredClone(document)
  for (const { method, path, operation } of operationsOf(whole)) {
    operation.tags = [groupOf(path) ?? 'Other']
    operation.operationId = `${method.toLowerCase()}_${path.replaceAll(/\W+/g, '_').replace(/^_(api_v1_)?|_$/g, '')}`
    giveExamples(method, path, operation)
    for (const [status, reply] of Object.entries(operation.responses ?? {})) {
      if ('description' in reply && reply.description === 'Default Response')
        reply.description = meaningOf(status)
    }
  }
  return withoutDiscriminators(whole)
}

function giveExamples(method: string, path: string, operation: Operation): void {
  const { parameters = {}, body } = examples[`${method} ${path}`] ?? {}
  for (const parameter of (operation.parameters ?? []) as Parameter[]) {
    const before = path.split('/')[path.split('/').indexOf(`{${parameter.name}}`) - 1] ?? ''
    const value = parameter.in === 'path' ? pathExamples[before] : parameters[parameter.name]
    if (value !== undefined) parameter.example = value
  }
  const content = (operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined)?.content[
    'application/json'
  ]
  if (content !== undefined && body !== undefined) content.example = body
}

function meaningOf(status: string): string {
  if (status.startsWith('2')) return 'Done.'
  return status.startsWith('4') ? 'Refused; nothing was stored or changed.' : 'The service cannot answer now.'
}

/** OpenAPI's discriminators name schemas by reference, and say nothing of schemas that stand in place. */
function withoutDiscriminators<T>(value: T): T {
  const text = JSON.stringify(value, (key, part: unknown) =>
    key === 'discriminator' && typeof part === 'object' ? undefined : part,
  )
  return JSON.parse(text) as T
}
