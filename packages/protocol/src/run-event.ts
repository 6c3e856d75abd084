import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { MAX_STEP, MAX_TIME } from './limits.ts'
import { Nullable } from './nullable.ts'

/** Events of one run. */
export const MAX_EVENTS_PER_RUN = 10_000
/** Events of one request. */
export const MAX_EVENTS_PER_REQUEST = 1_000

const closed = { additionalProperties: false }
const step = Type.Integer({ minimum: 0, maximum: MAX_STEP })
/** Half of a surrogate pair is no text: databases would make one label of several. */
const label = Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\ud800-\\udfff]*$' })
const time = Type.Number({ minimum: 0, maximum: MAX_TIME, description: 'Unix seconds.' })

/** Something that happened in a training at a step, as a client sends it. `time` is that of the arrival where it is left out. */
export const NewRunEventSchema = Type.Object(
  {
    step,
    time: Type.Optional(time),
    label,
    text: Type.Optional(Nullable(Type.String({ maxLength: 2_048 }))),
  },
  closed,
)
export type NewRunEvent = Static<typeof NewRunEventSchema>

/** Body of `POST /runs/{id}/events`: the same step and label again replaces. */
export const RunEventsBodySchema = Type.Object(
  { events: Type.Array(NewRunEventSchema, { minItems: 1, maxItems: MAX_EVENTS_PER_REQUEST }) },
  closed,
)
export type RunEventsBody = Static<typeof RunEventsBodySchema>

/** An event of a run, such as a checkpoint that was restored or a stage that began. */
export const RunEventSchema = Type.Object({ step, time, label, text: Nullable(Type.String()) })
export type RunEvent = Static<typeof RunEventSchema>

/** Reply of `POST /runs/{id}/events`. */
export const RunEventsReplySchema = Type.Object({
  accepted: Type.Integer({ description: 'Events stored or replaced.' }),
})

/** Reply of `GET /runs/{id}/events`: in step order. */
export const RunEventListSchema = Type.Object({ events: Type.Array(RunEventSchema) })
export type RunEventList = Static<typeof RunEventListSchema>
