import type { Static } from 'typebox'
import { ProjectPatternSchema, ProjectPatternsSchema, ScopeSchema } from './grants.ts'
import { Type } from './schema.ts'
import { Nullable } from './nullable.ts'

const Instant = Type.String({ format: 'date-time' })

/** Tokens that one server keeps, revoked ones included. */
export const MAX_TOKENS = 1_000
/** The longest life of a token that expires, in days. */
export const MAX_TOKEN_DAYS = 3_650
/** The most addresses and ranges that one token names. */
export const MAX_TOKEN_ADDRESSES = 16
/** Every token starts with this, so that secret scanners can find leaked ones. */
export const TOKEN_PREFIX = 'nw_'

const tokenFields = {
  name: Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000-\\u001f\\ud800-\\udfff]+$' }),
  scope: ScopeSchema,
}
const Project = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[^\\u0000-\\u001f\\ud800-\\udfff/]+$',
  description: 'Only the runs of this project.',
})

const Addresses = Type.Array(Type.String({ minLength: 2, maxLength: 64 }), {
  minItems: 1,
  maxItems: MAX_TOKEN_ADDRESSES,
  description: 'IP addresses and CIDR ranges that it may be used from.',
})

/** Body of `POST /tokens`. Left out: every project, from everywhere, no expiry. */
export const NewTokenSchema = Type.Object(
  {
    ...tokenFields,
    project: Type.Optional(Nullable(Project)),
    projects: Type.Optional(
      Nullable({
        ...ProjectPatternsSchema,
        description: 'Only the runs of these projects; instead of `project`.',
      }),
    ),
    addresses: Type.Optional(Nullable(Addresses)),
    expires_in_days: Type.Optional(
      Nullable(Type.Number({ exclusiveMinimum: 0, maximum: MAX_TOKEN_DAYS, description: 'From now.' })),
    ),
  },
  { additionalProperties: false },
)
export type NewToken = Static<typeof NewTokenSchema>

export const TokenSchema = Type.Object({
  id: Type.String(),
  ...tokenFields,
  project: Nullable({ ...Project, description: 'The only project, if it is limited to one.' }),
  projects: Nullable(
    Type.Array(ProjectPatternSchema, {
      description: 'Names and patterns of its projects; null: every project.',
    }),
  ),
  addresses: Nullable(Addresses),
  created_at: Instant,
  created_by: Nullable(
    Type.String({ description: 'Name of the token it was made with, or `command line`; null: not noted.' }),
  ),
  expires_at: Nullable(Instant),
  revoked_at: Nullable(Instant),
  last_used_at: Nullable(Type.String({ format: 'date-time', description: 'To the minute.' })),
})
/** A token as replies show it: without the secret, which is not stored. */
export type Token = Static<typeof TokenSchema>

/** Reply of `POST /tokens`: the only reply with the secret. */
export const TokenWithSecretSchema = Type.Object({
  ...TokenSchema.properties,
  token: Type.String({ description: '`nw_` and the base64url of 32 random bytes. Shown this once.' }),
})
export type TokenWithSecret = Static<typeof TokenWithSecretSchema>

export const TokenListSchema = Type.Object({ tokens: Type.Array(TokenSchema) })
export type TokenList = Static<typeof TokenListSchema>
