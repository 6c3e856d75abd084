import { Ajv, type ErrorObject } from 'ajv'
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

const options = { strict: true, strictRequired: false, discriminator: true, verbose: true } as const
/** A check ends at the first fault: to name each of a hostile body's million would cost more than to read it. */
const bodies = withFormats(new Ajv(options))
/** "Infinity" becomes a number: not being strict with numbers is what makes their bounds hold for it too. */
const texts = withFormats(new Ajv({ ...options, coerceTypes: 'array', strictNumbers: false }))

/** Compiles with the first value: most servers are asked on few of their routes. */
export function compileSchema<Schema extends TSchema>(schema: Schema): Checker<Schema> {
  return lazily(bodies, schema)
}

/** For what stands in an address: texts become, in place, the numbers, booleans and lists that the schema names. */
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

function withFormats(ajv: Ajv): Ajv {
  return formats.default(ajv, ['date-time'])
}

/**
 * How requests are checked and replies written. Given to Fastify as it is made, it never loads its own compilers, which
 * are larger than all of this server.
 */
export const schemaController = {
  compilersFactory: {
    buildValidator: () => compiler,
    // The replies are what the types say they are; to serialise them by schema would only cost time.
    buildSerializer: () => () => (reply: unknown) => JSON.stringify(reply),
  },
  // Fastify's type here is that of its own compilers, which take options and schemas that these have no use for.
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

const compiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) =>
  httpPart === 'body' ? compileSchema(schema) : compileTextSchema(schema)
