import type { TSchema } from 'typebox'
import { Type } from './schema.ts'

/** The schema, or `null`. */
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
