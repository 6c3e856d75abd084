import type { Static } from 'typebox'
import { TaggedUnion, Type } from './schema.ts'
import {
  MAX_CONFIG_BYTES,
  MAX_CONFIG_DEPTH,
  MAX_PART_NAME_LENGTH,
  MAX_PARTS_PER_RUN,
  MAX_RUN_ID_LENGTH,
} from './limits.ts'
import { WireNumberSchema } from './numbers.ts'
import { Nullable } from './nullable.ts'
import { FindingKindSchema, SeveritySchema } from './finding.ts'
import { HEALTHS, RUN_STATUSES } from './run-states.ts'

const closed = { additionalProperties: false }

export const RunIdSchema = Type.String({
  minLength: 1,
  maxLength: MAX_RUN_ID_LENGTH,
  pattern: '^(?!\\.$)(?!.*\\.\\.)[A-Za-z0-9._-]+$',
  description: '1 to 64 of A–Z a–z 0–9 . _ -; not ".", and nothing with "..", which an address would swallow',
})

/** A cap is a positive, finite number. */
const CapSchema = Type.Number({ exclusiveMinimum: 0 })

/** How the run clips: by global norm, by value, or not at all (with an optional reference cap). */
export const ClipSchema = TaggedUnion('mode', [
  Type.Object({ mode: Type.Literal('norm'), max_norm: CapSchema }, closed),
  Type.Object(
    {
      mode: Type.Literal('value'),
      clip_value: CapSchema,
      fraction_threshold: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 0.01 })),
    },
    closed,
  ),
  Type.Object({ mode: Type.Literal('none'), max_norm: Type.Optional(Nullable(CapSchema)) }, closed),
])
export type Clip = Static<typeof ClipSchema>

const ProjectSchema = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[^\\u0000-\\u001f\\ud800-\\udfff/]+$',
})

/** `x-json-bounds` bounds how deep the value is nested and how large it is as JSON, which JSON Schema has no words for. */
const ConfigSchema = Type.Record(Type.String({ maxLength: 256 }), Type.Unknown(), {
  maxProperties: 512,
  description: `At most ${MAX_CONFIG_DEPTH} levels deep and ${MAX_CONFIG_BYTES / 1024} KiB as JSON.`,
  'x-json-bounds': { depth: MAX_CONFIG_DEPTH, bytes: MAX_CONFIG_BYTES },
})

/** The name of a part: that of a metric, without a slash. */
export const PartNameSchema = Type.String({
  minLength: 1,
  maxLength: MAX_PART_NAME_LENGTH,
  pattern: '^[^/\\u0000-\\u001f\\u007f\\ud800-\\udfff]+$',
})

/** What is given of a part: how it clips (default: mode none) and its optimizer (default: the run's). */
const PartFieldsSchema = Type.Object(
  {
    clip: Type.Optional(ClipSchema),
    optimizer: Type.Optional(Nullable(Type.String({ maxLength: 128 }))),
  },
  closed,
)
export type PartFields = Static<typeof PartFieldsSchema>

const runFields = {
  project: Type.Optional(ProjectSchema),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  clip: Type.Optional(ClipSchema),
  optimizer: Type.Optional(Nullable(Type.String({ maxLength: 128 }))),
  parts: Type.Optional(
    Type.Record(PartNameSchema, PartFieldsSchema, {
      maxProperties: MAX_PARTS_PER_RUN,
      description: 'Parts by name, each a stream of gradients of its own; those not named stay as they are.',
    }),
  ),
  config: Type.Optional(ConfigSchema),
  tags: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 64, uniqueItems: true }),
  ),
  notes: Type.Optional(Type.String({ maxLength: 65_536 })),
}

/** Body of `PUT /runs/{id}`: every field is optional, an unknown one is refused. */
export const RunFieldsSchema = Type.Object(runFields, closed)
export type RunFields = Static<typeof RunFieldsSchema>

/** Body of `POST /runs`: the same, and the client may choose the id. */
export const NewRunSchema = Type.Object({ id: Type.Optional(RunIdSchema), ...runFields }, closed)

export const RunStatusSchema = Type.Enum(RUN_STATUSES)
export type RunStatus = Static<typeof RunStatusSchema>

/** Body of `PATCH /runs/{id}`. */
export const RunPatchSchema = Type.Object(
  {
    ...runFields,
    status: Type.Optional(RunStatusSchema),
    truncate_after: Type.Optional(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER })),
  },
  closed,
)
export type RunPatch = Static<typeof RunPatchSchema>

export const HealthSchema = Type.Enum(HEALTHS)
export type Health = Static<typeof HealthSchema>

/** What clipping did: over the detector's window, and over the whole run. Rates and coefficients are `null` before the first finite norm. */
export const ClippingSchema = Type.Object({
  window: Type.Integer({ description: 'Logged points in the window that `rate` speaks of.' }),
  rate: Nullable(Type.Number({ description: 'Share of clipped points in the window, 0 to 1.' })),
  rate_total: Nullable(Type.Number({ description: 'Share of clipped points in the whole run, 0 to 1.' })),
  mean_coefficient: Nullable(
    Type.Number({ description: 'Mean of min(1, max_norm / grad_norm) over the window.' }),
  ),
  current_streak: Type.Integer({ description: 'Steps since clipping became uninterrupted.' }),
  longest_streak: Type.Integer({ description: 'The longest uninterrupted clipping, in steps.' }),
})
export type Clipping = Static<typeof ClippingSchema>

/** An active condition. `finding` is the id of its open finding; a pending one has none yet. */
export const ConditionSchema = Type.Object({
  part: Nullable(Type.String({ description: 'The part of the run it holds for; null: the run itself.' })),
  kind: FindingKindSchema,
  severity: SeveritySchema,
  since_step: Nullable(Type.Integer()),
  finding: Nullable(Type.String()),
})
export type Condition = Static<typeof ConditionSchema>

const LatestSchema = Type.Record(Type.String(), WireNumberSchema, {
  description: 'The newest reading of grad_norm, loss, lr and the other metrics that are not layers.',
})

/** A part of a run: one stream of gradients with a norm, a cap and a judgement of its own. */
export const PartSchema = Type.Object({
  name: Type.String(),
  clip: ClipSchema,
  optimizer: Nullable(Type.String({ description: 'Null: that of the run.' })),
  clipping: ClippingSchema,
  health: HealthSchema,
  latest: LatestSchema,
})
export type Part = Static<typeof PartSchema>

const runProperties = {
  id: Type.String(),
  project: Type.String(),
  name: Type.String(),
  status: RunStatusSchema,
  clip: ClipSchema,
  optimizer: Nullable(Type.String()),
  config: Type.Record(Type.String(), Type.Unknown()),
  tags: Type.Array(Type.String()),
  notes: Type.String(),
  created_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time' }),
  ended_at: Nullable(Type.String({ format: 'date-time' })),
  points: Type.Integer({ description: 'Distinct steps stored.' }),
  last_step: Nullable(Type.Integer()),
  latest: LatestSchema,
  clipping: ClippingSchema,
  nonfinite: Type.Integer({ description: 'Readings of grad_norm and loss that were NaN or ±Infinity.' }),
  health: HealthSchema,
  conditions: Type.Array(ConditionSchema),
  parts: Type.Array(PartSchema, {
    description: 'In order of their first appearance; the health of the run is that of the worst.',
  }),
}
export const RunSchema = Type.Object(runProperties)
export type Run = Static<typeof RunSchema>

/** A run as lists and the feed of all runs show it: with its `config` only where `fields=config` asks for it. */
export const ListedRunSchema = Type.Object({
  ...runProperties,
  config: Type.Optional(runProperties.config),
})
export type ListedRun = Static<typeof ListedRunSchema>

export const RunListSchema = Type.Object({
  runs: Type.Array(ListedRunSchema),
  next_cursor: Nullable(Type.String()),
})
export type RunList = Static<typeof RunListSchema>
