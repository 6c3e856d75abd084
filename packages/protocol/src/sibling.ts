import type { Static } from 'typebox'
import { Nullable } from './nullable.ts'
import { Type } from './schema.ts'

/** A similar run of the same project that ended well, and what differs. A difference is not a proof. */
export const SiblingSchema = Type.Object({
  run: Type.String(),
  name: Type.String(),
  differs: Type.Array(
    Type.Object({
      key: Type.String({
        description: 'Key of the config, a nested one with dots; or `max_norm`, `optimizer`.',
      }),
      this: Type.Unknown({ description: 'Its value in the run of the finding; null if it has none.' }),
      that: Type.Unknown({ description: 'Its value in the other run; null if it has none.' }),
    }),
    { description: 'At most 20, those that often matter first.' },
  ),
  norms: Nullable(
    Type.Object({
      step: Type.Integer(),
      this: Type.Number({ description: 'Median norm of the last points up to this step.' }),
      that: Type.Number({ description: 'The same of the other run.' }),
    }),
  ),
})
export type Sibling = Static<typeof SiblingSchema>
