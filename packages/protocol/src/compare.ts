import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { Nullable } from './nullable.ts'

const Measure = Nullable(Type.Number())

/** One of the runs compared. Losses are in the run's own unit; `null` if its record lacks the data. */
export const ComparedRunSchema = Type.Object({
  run: Type.String(),
  name: Type.String(),
  points: Type.Integer(),
  steps: Type.Integer({ description: 'From the first to the last step, both counted.' }),
  seconds: Measure,
  final_loss: Type.Union([Type.Number(), Type.Null()], {
    description: 'Median of the last 5 % of the finite losses.',
  }),
  loss_roughness: Type.Union([Type.Number(), Type.Null()], {
    description: 'Root mean square of the first differences of the loss over finite neighbours.',
  }),
  norm_quantiles: Type.Record(Type.String(), Measure),
  clip_rate: Measure,
  spikes: Type.Integer({ description: 'Findings of the kind spike.' }),
  nonfinite: Type.Integer({ description: 'Readings of grad_norm and loss that were NaN or ±Infinity.' }),
})
export type ComparedRun = Static<typeof ComparedRunSchema>

/** Reply of `GET /compare`: the runs in the order asked, and what makes the comparison weak. */
export const CompareReplySchema = Type.Object({
  runs: Type.Array(ComparedRunSchema),
  notes: Type.Array(Type.String()),
})
export type CompareReply = Static<typeof CompareReplySchema>
