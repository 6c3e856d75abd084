import { BadCursor } from '../store.ts'

export type CursorValue = string | number

/** Where a page ended, as text that only this file understands. */
export const toCursor = (values: readonly CursorValue[]): string =>
  Buffer.from(JSON.stringify(values)).toString('base64url')

/**
 * The values of a cursor whose first is `tag` (which list, in which order) and whose others have the types given.
 * Throws `BadCursor` when it is none of this list.
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
  if (!isGood) throw new BadCursor('The cursor is none of this list in this order.')
  return (values as CursorValue[]).slice(1)
}
