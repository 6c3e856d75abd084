import type { Static } from 'typebox'
import { GrantSchema, ScopeSchema } from './grants.ts'
import { Nullable } from './nullable.ts'
import { Type } from './schema.ts'

const Instant = Type.String({ format: 'date-time' })

/** Body of `POST /session`, which signs a browser in. */
export const SignInSchema = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 256 }) },
  { additionalProperties: false },
)

/** Reply of `GET` and `POST /session`: whether a token is required, and who the caller is. */
export const SessionSchema = Type.Object({
  open: Type.Boolean({ description: 'True: this server requires no token.' }),
  caller: Nullable(
    Type.Object({
      name: Type.String(),
      scope: Nullable(ScopeSchema),
      project: Nullable(Type.String()),
      grants: Type.Array(GrantSchema, {
        description: 'What the caller may do; `scope` and `project` sum it up.',
      }),
      expires_at: Nullable(Instant),
      signs_out: Type.Boolean({ description: 'True: it is a browser that `DELETE /session` signs out.' }),
    }),
  ),
  provider: Nullable(Type.Object({ name: Type.String({ description: 'How the sign-in page calls it.' }) })),
})
export type Session = Static<typeof SessionSchema>

/** Reply of `DELETE /session` to a person whose provider has a session of its own. */
export const SignedOutSchema = Type.Object({
  continue_at: Nullable(
    Type.String({
      description: 'Where the browser ends its session with the provider; null: nowhere, or it is away.',
    }),
  ),
})
export type SignedOut = Static<typeof SignedOutSchema>

export const ListedSessionSchema = Type.Object({
  id: Type.String(),
  kind: Type.Enum(['person', 'token'], {
    description: 'Who signed in: a person at the provider, or a token.',
  }),
  opened_by: Type.String({ description: 'Id of the person or of the token.' }),
  name: Type.String(),
  email: Nullable(Type.String()),
  opened_at: Nullable(Instant),
  expires_at: Instant,
  is_current: Type.Boolean({ description: 'True: the one that asks.' }),
})
/** A browser that is signed in. */
export type ListedSession = Static<typeof ListedSessionSchema>

/** Reply of `GET /sessions`: the newest first, at most 1,000. */
export const SessionListSchema = Type.Object({ sessions: Type.Array(ListedSessionSchema) })
export type SessionList = Static<typeof SessionListSchema>
