import type { Static } from 'typebox'
import { Nullable } from './nullable.ts'
import { Type } from './schema.ts'

/** A layer that turned non-finite, left its band first or carries the growth of the norm after an onset. */
export const LayerShiftSchema = Type.Object({
  layer: Type.String(),
  at_step: Nullable(Type.Integer({ description: 'The first step out of its earlier band; null: unknown.' })),
  lead: Nullable(Type.Integer({ description: 'Steps from the onset to at_step; below 0: it moved first.' })),
  share_before: Type.Number({ description: 'Its share of the squared norms of all layers, 0 to 1.' }),
  share_after: Nullable(Type.Number({ description: 'The same after the onset; null: non-finite.' })),
  nonfinite: Type.Boolean({ description: 'Its norm turned NaN or infinite at at_step.' }),
})
export type LayerShift = Static<typeof LayerShiftSchema>
