import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { Nullable } from './nullable.ts'
import { WireNumberSchema } from './numbers.ts'

const Counts = Type.Array(Type.Integer())
const FiniteOrNone = Type.Array(Nullable(Type.Number()))

/**
 * One metric in buckets, as parallel columns: a bucket without any reading of the metric is left out.
 * `min`, `max` and `mean` are over finite readings, `null` where a bucket has none; `last` is the reading of the
 * highest step in the bucket, whatever it is. `step` is the first step of the bucket's range (the point's own step
 * when `bucket` is 1), `time` the Unix seconds of the first reading in it.
 */
export const SeriesSchema = Type.Object({
  step: Counts,
  time: Type.Array(Type.Number()),
  min: FiniteOrNone,
  max: FiniteOrNone,
  mean: FiniteOrNone,
  last: Type.Array(WireNumberSchema),
  count: Counts,
  nonfinite: Counts,
  over: Type.Optional(Counts),
})
export type Series = Static<typeof SeriesSchema>

/** Reply of `GET /runs/{id}/series`: `from` and `to` are steps, `total` the points stored in that range. */
export const SeriesReplySchema = Type.Object({
  from: Type.Integer(),
  to: Type.Integer(),
  total: Type.Integer(),
  bucket: Type.Integer({
    description: 'Steps a bucket: 1 (points as they are) or a power of two aligned to step 0.',
  }),
  series: Type.Record(Type.String(), SeriesSchema),
})
export type SeriesReply = Static<typeof SeriesReplySchema>

/** Reply of `GET /runs/{id}/layers`: `values[layer][bucket]` is the mean of the finite norms there. */
export const LayersReplySchema = Type.Object({
  from: Type.Integer(),
  to: Type.Integer(),
  bucket: Type.Integer(),
  step: Counts,
  layers: Type.Array(Type.String()),
  values: Type.Array(FiniteOrNone),
})
export type LayersReply = Static<typeof LayersReplySchema>

/** Reply of `GET /runs/{id}/caps`: what other caps would have done to the norms recorded. */
export const CapsReplySchema = Type.Object({
  steps: Type.Integer({ description: 'Finite norms in the range.' }),
  quantiles: Type.Record(Type.String(), Nullable(Type.Number())),
  curve: Type.Array(
    Type.Object({ cap: Type.Number(), clip_rate: Type.Number(), mean_coefficient: Type.Number() }),
  ),
})
export type CapsReply = Static<typeof CapsReplySchema>
