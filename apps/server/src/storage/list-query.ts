import { literalsOf, type Projects } from '@normwatch/protocol'
import { BadCursor } from './store.ts'

/** A part of a `where` clause, with the values of its parameters. */
export interface Condition {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

/** A condition; `undefined` if the value is not given. */
export const given = (sql: string, value: string | number | undefined): Condition | undefined =>
  value === undefined ? undefined : { sql, values: [value] }

/** How an engine compares a column with a pattern, given as the texts between its stars. */
export type Likeness = (column: string, literals: readonly string[]) => Condition

/** Whether the project in a column is one of these; `undefined` if every project is. */
export function among(like: Likeness, column: string, projects: Projects | undefined): Condition | undefined {
  if (projects === undefined || projects === 'all') return undefined
  const all = projects.map(literalsOf)
  const names = all.flatMap((literals) => (literals.length === 1 ? literals : []))
  const isNamed = { sql: `${column} in (${names.map(() => '?').join(', ')})`, values: names }
  const alternatives = [
    ...(names.length > 0 ? [isNamed] : []),
    ...all.filter((literals) => literals.length > 1).map((literals) => like(column, literals)),
  ]
  if (alternatives.length === 0) return { sql: '1 = 0', values: [] }
  return anyOf(alternatives)
}

/** The condition that one of these holds. */
export const anyOf = (alternatives: readonly Condition[]): Condition => ({
  sql: `(${alternatives.map(({ sql }) => sql).join(' or ')})`,
  values: alternatives.flatMap(({ values }) => values),
})

/** The `where` clause that requires all of the conditions; empty without conditions. */
export function where(conditions: readonly (Condition | undefined)[]): Condition {
  const given = conditions.filter((condition) => condition !== undefined)
  return {
    sql: given.length === 0 ? '' : `where ${given.map(({ sql }) => sql).join(' and ')}`,
    values: given.flatMap(({ values }) => values),
  }
}

export type CursorValue = string | number

/** The end of a page as an opaque cursor. */
export const toCursor = (values: readonly CursorValue[]): string =>
  Buffer.from(JSON.stringify(values)).toString('base64url')

/** The page that these rows make, of which a list asked for one more than `limit`; the next one begins behind the place of its last. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  placeOf: (last: Row) => readonly CursorValue[],
): { readonly page: Row[]; readonly next_cursor: string | null } {
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return { page, next_cursor: last === undefined ? null : toCursor(placeOf(last)) }
}

/**
 * The values of a cursor whose first is `tag` (which list, in which order) and whose others have the types given.
 * Throws `BadCursor` when it belongs to another list or order.
 */
export function fromCursor(
  cursor: string,
  tag: string,
  types: readonly ('string' | 'number')[],
): CursorValue[] {
  let values: unknown
  try {
    values = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    values = undefined
  }
  const isGood =
    Array.isArray(values) &&
    values.length === types.length + 1 &&
    values[0] === tag &&
    types.every((type, i) => typeof (values as unknown[])[i + 1] === type)
  if (!isGood) throw new BadCursor('Invalid cursor: it belongs to another list or order.')
  return (values as CursorValue[]).slice(1)
}
