import type { Static } from 'typebox'
import { FindingSchema } from './finding.ts'
import { MovedSchema } from './moved.ts'
import { Nullable } from './nullable.ts'
import { WireNumberSchema } from './numbers.ts'
import { RunEventSchema } from './run-event.ts'
import { Type } from './schema.ts'

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
