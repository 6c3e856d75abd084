import { Type } from './schema.ts'
import { Nullable } from './nullable.ts'
import { MAX_POINTS_PER_REQUEST, MAX_STEP, MAX_TIME } from './limits.ts'
import { WireNumberSchema } from './numbers.ts'

/** The metrics that the service knows by name. Any other numeric field is kept as a metric of its name. */
export const WELL_KNOWN_METRICS = [
  'grad_norm',
  'loss',
  'lr',
  'max_norm',
  'clip_fraction',
  'max_abs_grad',
  'post_norm',
  'loss_scale',
  'skipped',
  'zero_fraction',
] as const

const StepSchema = Type.Integer({ minimum: 0, maximum: MAX_STEP })
const TimeSchema = Type.Number({ minimum: 0, maximum: MAX_TIME, description: 'Unix seconds' })
const Reading = Nullable(WireNumberSchema)

/** Shape of `POST …/points`, for the API's description. The reading itself is `parsePoints`. */
export const PointsBodySchema = Type.Union([
  Type.Object({
    points: Type.Array(
      Type.Object(
        {
          step: StepSchema,
          time: Type.Optional(TimeSchema),
          layers: Type.Optional(Type.Record(Type.String(), Reading)),
        },
        { additionalProperties: Reading },
      ),
      { maxItems: MAX_POINTS_PER_REQUEST },
    ),
  }),
  Type.Object({
    columns: Type.Object(
      {
        step: Type.Array(StepSchema, { maxItems: MAX_POINTS_PER_REQUEST }),
        time: Type.Optional(Type.Array(Nullable(TimeSchema))),
        layers: Type.Optional(Type.Record(Type.String(), Type.Array(Reading))),
      },
      { additionalProperties: Type.Array(Reading) },
    ),
  }),
])

export const PointsReplySchema = Type.Object({
  accepted: Type.Integer({ description: 'Points of this request that are now durable.' }),
  last_step: Nullable(Type.Integer()),
})
