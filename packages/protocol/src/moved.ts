import type { Static } from 'typebox'
import { Nullable } from './nullable.ts'
import { Type } from './schema.ts'

/** A metric whose level changed around a step: the onset of a finding, or the step that a snapshot asks about. */
export const MovedSchema = Type.Object({
  metric: Type.String(),
  before: Type.Number({ description: 'Median before the step.' }),
  after: Type.Number({ description: 'Median after it moved.' }),
  ratio: Nullable(Type.Number({ description: 'after / before; null where one of them is not positive.' })),
  at_step: Type.Integer({ description: 'The first step out of its earlier band.' }),
  lead: Type.Integer({ description: 'Steps from the step asked to at_step; below 0: it moved first.' }),
  effect: Type.Number({ description: 'Distance of the medians in robust deviations of the values before.' }),
})
export type Moved = Static<typeof MovedSchema>
