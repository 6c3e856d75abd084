import type { Likeness } from '../../list-query.ts'

/** `glob`, unlike `like`, tells letter cases apart. */
export const glob: Likeness = (column, literals) => ({
  sql: `${column} glob ?`,
  values: [literals.map((text) => text.replace(/[*?[]/g, '[$&]')).join('*')],
})
