import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { compileSchema, compileTextSchema } from '../compile-schema.ts'

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
