import type { Likeness } from '../list-query.ts'

export const like: Likeness = (column, literals) => ({
  sql: `${column} like ?`,
  values: [literals.map((text) => text.replace(/[%_\\]/g, '\\$&')).join('%')],
})
