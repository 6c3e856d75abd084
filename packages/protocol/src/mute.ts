import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { FindingKindSchema } from './finding.ts'
import { Nullable } from './nullable.ts'
import { RunIdSchema } from './run.ts'

const Instant = Type.String({ format: 'date-time' })

/** Mutes in force at a time. */
export const MAX_MUTES = 1_000

/** Body of `POST /mutes`: findings that match all given fields are muted; at least one field is needed. */
export const NewMuteSchema = Type.Object(
  {
    run: Type.Optional(Nullable(RunIdSchema)),
    project: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 128 }))),
    kind: Type.Optional(Nullable(FindingKindSchema)),
    until: Instant,
  },
  { additionalProperties: false },
)
export type NewMute = Static<typeof NewMuteSchema>

export const MuteSchema = Type.Object({
  id: Type.String(),
  run: Nullable(Type.String()),
  project: Nullable(Type.String()),
  kind: Nullable(FindingKindSchema),
  until: Instant,
  created_at: Instant,
})
export type Mute = Static<typeof MuteSchema>

export const MuteListSchema = Type.Object({ mutes: Type.Array(MuteSchema) })
