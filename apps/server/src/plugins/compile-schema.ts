import { isNestedDeeper } from '@normwatch/protocol'
import { Ajv, type ErrorObject, type SchemaValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify'
import type { Static, TSchema } from 'typebox'

/** What is wrong with the last value checked, the first fault first. */
export type SchemaFault = ErrorObject

/** Tells whether a value is what the schema says; `errors` then speak of that value until the next one is checked. */
export interface Checker<Schema extends TSchema> {
  (value: unknown): value is Static<Schema>
  errors?: SchemaFault[] | null
}

/** The bounds that `x-json-bounds` sets on a value: levels of objects and lists, itself included, and bytes as JSON. */
interface JsonBounds {
  readonly depth: number
  readonly bytes: number
}

const checkJsonBounds: SchemaValidateFunction = ({ depth, bytes }: JsonBounds, value: unknown): boolean => {
  let message: string
  if (isNestedDeeper(value, depth)) message = `is nested deeper than ${depth} levels`
  else if (Buffer.byteLength(JSON.stringify(value)) > bytes)
    message = `is larger than ${bytes / 1024} KiB as JSON`
  else return true
  checkJsonBounds.errors = [{ keyword: 'x-json-bounds', message, params: {} }]
  return false
}

const options = {
  strict: true,
  strictRequired: false,
  discriminator: true,
  verbose: true,
  // the schemas are this server's own: to check them would take most of the time of the first request
  meta: false,
  validateSchema: false,
} as const
/** A check ends at the first fault: listing a million faults would cost more than parsing the body. */
const bodies = withKeywords(new Ajv(options))
/** "Infinity" becomes a number: without strict numbers, the bounds apply to it too. */
const texts = withKeywords(new Ajv({ ...options, coerceTypes: 'array', strictNumbers: false }))

/** Compiled on first use: most servers use few of their routes. */
export function compileSchema<Schema extends TSchema>(schema: Schema): Checker<Schema> {
  return lazily(bodies, schema)
}

/** For parameters: texts are converted, in place, to the numbers, booleans and lists that the schema names. */
export function compileTextSchema<Schema extends TSchema>(schema: Schema): Checker<Schema> {
  return lazily(texts, schema)
}

function lazily<Schema extends TSchema>(ajv: Ajv, schema: Schema): Checker<Schema> {
  let validate: Checker<Schema> | undefined
  const check: Checker<Schema> = (value): value is Static<Schema> => {
    validate ??= ajv.compile(schema) as Checker<Schema>
    const isRight = validate(value)
    check.errors = validate.errors ?? null
    return isRight
  }
  return check
}

function withKeywords(ajv: Ajv): Ajv {
  ajv.addKeyword({ keyword: 'x-json-bounds', validate: checkJsonBounds, errors: true })
  return formats.default(ajv, ['date-time'])
}

/**
 * Validates requests and serialises replies. Given to Fastify at its creation, so that it never loads its own compilers,
 * which are larger than the rest of this server.
 */
export const schemaController = {
  compilersFactory: {
    buildValidator: () => compiler,
    // Replies already have their types; serialising by schema would only cost time.
    buildSerializer: () => () => (reply: unknown) => JSON.stringify(reply),
  },
  // Fastify's type here is that of its own compilers, which take options and schemas that these have no use for.
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

const compiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) =>
  httpPart === 'body' ? compileSchema(schema) : compileTextSchema(schema)
