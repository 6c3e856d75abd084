import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { FindingKindSchema, SeveritySchema } from './finding.ts'
import { Nullable } from './nullable.ts'

const closed = { additionalProperties: false }
const Instant = Type.String({ format: 'date-time' })

/** Channels of one server. */
export const MAX_CHANNELS = 100

export const CHANNEL_KINDS = ['webhook', 'slack', 'discord', 'email'] as const
export type ChannelKind = (typeof CHANNEL_KINDS)[number]
export const ChannelKindSchema = Type.Enum(CHANNEL_KINDS)

const channelFields = {
  url: Type.String({
    minLength: 1,
    maxLength: 2_048,
    description: 'http(s) URL of the receiver; for email `mailto:a@example.org,b@example.org`.',
  }),
  name: Type.String({ minLength: 1, maxLength: 128 }),
  project: Nullable(Type.String({ minLength: 1, maxLength: 128, description: 'Only runs of this project.' })),
  kinds: Nullable(Type.Array(FindingKindSchema, { minItems: 1, uniqueItems: true })),
  min_severity: SeveritySchema,
  text: Nullable(
    Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'Only runs whose id, name or project contains it, letter case ignored.',
    }),
  ),
  tag: Nullable(Type.String({ minLength: 1, maxLength: 64, description: 'Only runs with this tag.' })),
  remind_hours: Nullable(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 8_760,
      description: 'One reminder if a finding is still open after this many hours.',
    }),
  ),
  enabled: Type.Boolean(),
}
const { url, ...optionalFields } = channelFields

/** Body of `POST /channels`. Left out: the name is the URL's host, no filter, severity `warning`, no reminder, enabled. */
export const NewChannelSchema = Type.Object(
  { kind: ChannelKindSchema, url, ...Type.Partial(Type.Object(optionalFields)).properties },
  closed,
)
export type NewChannel = Static<typeof NewChannelSchema>

/** Body of `PATCH /channels/{id}`. `enabled: true` enables a disabled channel. */
export const ChannelPatchSchema = Type.Partial(Type.Object(channelFields), closed)
export type ChannelPatch = Static<typeof ChannelPatchSchema>

export const ChannelSchema = Type.Object({
  id: Type.String(),
  kind: ChannelKindSchema,
  ...channelFields,
  url: Type.String({ description: 'With its secret part masked (`…`).' }),
  disabled_reason: Nullable(Type.String()),
  failing: Nullable(
    Type.Object(
      { since: Instant, error: Type.String() },
      { description: 'Set from the first failed attempt until the next success.' },
    ),
  ),
  old_secret_until: Nullable(Instant),
  created_at: Instant,
  updated_at: Instant,
})
/** A channel as replies show it, without its secret. */
export type Channel = Static<typeof ChannelSchema>

/** The reply that shows a signing secret, once: creation and `rotate-secret`. Chat and email channels have none. */
export const ChannelWithSecretSchema = Type.Object({
  ...ChannelSchema.properties,
  secret: Nullable(Type.String({ description: '`whsec_` and the base64 of 32 random bytes.' })),
})
export type ChannelWithSecret = Static<typeof ChannelWithSecretSchema>

export const ChannelListSchema = Type.Object({ channels: Type.Array(ChannelSchema) })

/** The receiver's answer to a test message. `body` holds its first kilobyte. */
export const ChannelTestSchema = Type.Object({
  ok: Type.Boolean(),
  status: Nullable(Type.Integer()),
  body: Nullable(Type.String()),
  error: Nullable(Type.String()),
})
export type ChannelTest = Static<typeof ChannelTestSchema>
