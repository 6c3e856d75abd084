import { othersTurns } from '../../../in-slices.ts'

/** Rows in which most lists find their page. */
const FIRST_ROWS = 500
/** Windows are twice as long as the one before, and at most so long: a few milliseconds of work. */
const MAX_ROWS = 5_000

/** A piece of a list: what stands behind `from` (`undefined`: from its beginning), through `to` (to its end). */
export interface Window<Place> {
  readonly from: Place | undefined
  readonly to: Place | undefined
  /** As many as there are at the most, where there are several windows. */
  readonly rows: number
}

/**
 * Cuts a list into windows, between which others are served: a filter may match few of very many rows. `placeAfter` gives the place
 * so many rows behind another one, `undefined` where the list has no more than these; without it there is one window.
 */
export async function* windows<Place>(
  from: Place | undefined,
  placeAfter: ((from: Place | undefined, rows: number) => Place | undefined) | undefined,
): AsyncGenerator<Window<Place>, void> {
  for (let rows = FIRST_ROWS; ; rows = Math.min(2 * rows, MAX_ROWS)) {
    const to = placeAfter?.(from, rows)
    yield { from, to, rows }
    if (to === undefined) return
    from = to
    await othersTurns()
  }
}

/** What `rowsIn` finds in these windows, until it is `most` or more; it is told how many are left. */
export async function foundIn<Place, Row>(
  pieces: AsyncIterable<Window<Place>>,
  most: number,
  rowsIn: (piece: Window<Place>, left: number) => readonly Row[],
): Promise<Row[]> {
  const found: Row[] = []
  for await (const piece of pieces) {
    found.push(...rowsIn(piece, most - found.length))
    if (found.length >= most) break
  }
  return found
}
