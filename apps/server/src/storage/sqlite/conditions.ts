/** A part of a `where` clause, with the values of its parameters. */
export interface Condition {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

/** A condition, or none where the value is not given. */
export const given = (sql: string, value: string | number | undefined): Condition | undefined =>
  value === undefined ? undefined : { sql, values: [value] }

/** The `where` clause that holds when all of them do; empty when there is none. */
export function where(conditions: readonly (Condition | undefined)[]): Condition {
  const given = conditions.filter((condition) => condition !== undefined)
  return {
    sql: given.length === 0 ? '' : `where ${given.map(({ sql }) => sql).join(' and ')}`,
    values: given.flatMap(({ values }) => values),
  }
}
