import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { SiblingSchema } from './sibling.ts'
import { LayerShiftSchema } from './layer-shift.ts'
import { MovedSchema } from './moved.ts'
import { Nullable } from './nullable.ts'
import { WireNumberSchema } from './numbers.ts'
import { RunEventSchema } from './run-event.ts'

/**
 * The name of a kind, such as `clip_saturated`. Only the detector lists the kinds: a server puts their names in the place
 * of `x-finding-kind`; clients must accept kinds that they do not know, as from a newer server.
 */
export const FindingKindSchema = Type.String({ 'x-finding-kind': true })
export type FindingKind = Static<typeof FindingKindSchema>

export const SEVERITIES = ['info', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]
export const SeveritySchema = Type.Enum(SEVERITIES)

export const CLOSE_REASONS = [
  'recovered',
  'run_finished',
  'run_failed',
  'run_preempted',
  'settings_changed',
] as const
export type CloseReason = (typeof CLOSE_REASONS)[number]

/** A likely cause of a finding, with the figures that support it. */
export const CauseSchema = Type.Object({
  cause: Type.String(),
  weight: Type.Number({ minimum: 0, maximum: 1 }),
  because: Type.String(),
  look_at: Type.String(),
})
export type Cause = Static<typeof CauseSchema>

/** An episode: it opens once and closes once. */
export const FindingSchema = Type.Object({
  id: Type.String(),
  run: Type.String(),
  part: Nullable(Type.String({ description: 'The part of the run that it concerns; null: the run itself.' })),
  kind: FindingKindSchema,
  severity: SeveritySchema,
  state: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
  opened_step: Nullable(Type.Integer()),
  onset: Nullable(
    Type.Integer({ description: 'The step at which it began, at or before `opened_step`; null: unknown.' }),
  ),
  opened_at: Type.String({ format: 'date-time' }),
  closed_step: Nullable(Type.Integer()),
  closed_at: Nullable(Type.String({ format: 'date-time' })),
  close_reason: Nullable(Type.Enum(CLOSE_REASONS)),
  evidence: Type.Record(Type.String(), Type.Union([WireNumberSchema, Type.String(), Type.Null()])),
  diagnosis: Type.Array(CauseSchema),
  explained: Type.Optional(
    Type.Boolean({
      description:
        'Whether the record around the onset has been searched for `moved`, `layers`, `events` and `sibling`; false: not yet. Searched again once 25 points follow the onset, or the run ends.',
    }),
  ),
  moved: Type.Array(MovedSchema, {
    description: 'Metrics that moved around the onset, at most five; looked for once the finding has opened.',
  }),
  layers: Type.Array(LayerShiftSchema, {
    description: 'Layers that turned non-finite, moved first or carry the growth, at most five.',
  }),
  sibling: Nullable(SiblingSchema),
  events: Type.Array(RunEventSchema, { description: 'Events a few points before the onset, at most five.' }),
})
export type Finding = Static<typeof FindingSchema>

export const FindingListSchema = Type.Object({
  findings: Type.Array(FindingSchema),
  next_cursor: Nullable(Type.String()),
})
export type FindingList = Static<typeof FindingListSchema>
