import type { Static } from 'typebox'
import { FindingSchema } from './finding.ts'
import { Nullable } from './nullable.ts'
import { WireNumberSchema } from './numbers.ts'
import { RunEventSchema } from './run-event.ts'
import { Type } from './schema.ts'

/** A metric whose level changed around a step. */
export const MovedSchema = Type.Object({
  metric: Type.String(),
  before: Type.Number({ description: 'Median before the step.' }),
  after: Type.Number({ description: 'Median after it moved.' }),
  ratio: Nullable(Type.Number({ description: 'after / before; null where one of them is not positive.' })),
  at_step: Type.Integer({ description: 'The first step out of its earlier band.' }),
  lead: Type.Integer({ description: 'Steps from the step asked to at_step; below 0: it moved first.' }),
  effect: Type.Number({ description: 'Distance of the medians in robust deviations of the values before.' }),
})

/** Reply of `GET /runs/{id}/snapshot`: everything that was logged around a step. */
export const SnapshotReplySchema = Type.Object({
  around: Type.Integer(),
  width: Type.Integer(),
  metrics: Type.Array(
    Type.Object({
      metric: Type.String(),
      before: Nullable(
        Type.Number({ description: 'Median of the finite readings up to `width` steps before.' }),
      ),
      at: Nullable(WireNumberSchema),
      after: Nullable(
        Type.Number({ description: 'Median of the finite readings up to `width` steps after.' }),
      ),
    }),
  ),
  moved: Type.Array(MovedSchema),
  findings: Type.Array(FindingSchema),
  events: Type.Array(RunEventSchema),
})
export type SnapshotReply = Static<typeof SnapshotReplySchema>
