import type { Static } from 'typebox'
import { Type } from './schema.ts'

export const ErrorReplySchema = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    details: Type.Array(Type.Object({ path: Type.String(), message: Type.String() })),
  }),
})
/** The body of every refusal. `path` is a JSON pointer into the request's body, or a parameter's name. */
export type ErrorReply = Static<typeof ErrorReplySchema>
export type ErrorDetail = ErrorReply['error']['details'][number]
