import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { FindingSchema } from './finding.ts'
import { ConditionSchema, HealthSchema } from './run.ts'

/** `{section: {name: value}}`; docs/detection.md lists them all. */
const SectionsSchema = Type.Record(
  Type.String(),
  Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean()])),
)

/** Body of `PUT …/settings` and `POST …/preview`: the overrides that are to hold, any part of the settings. */
export const SettingsOverridesSchema = SectionsSchema
export type SettingsOverrides = Static<typeof SettingsOverridesSchema>

/** Detection settings: what this project or run overrides, and all that is in force with it. */
export const SettingsReplySchema = Type.Object({ overrides: SectionsSchema, settings: SectionsSchema })
export type SettingsReply = Static<typeof SettingsReplySchema>

/** Reply of `POST /runs/{id}/preview`: the judgement of the record under other settings. */
export const PreviewReplySchema = Type.Object({
  settings: SectionsSchema,
  health: HealthSchema,
  conditions: Type.Array(ConditionSchema),
  findings: Type.Array(FindingSchema),
})
export type PreviewReply = Static<typeof PreviewReplySchema>
