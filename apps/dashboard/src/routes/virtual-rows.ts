/** Which rows of a long list are near the screen: `first` inclusive, `end` exclusive. */
export interface RowRange {
  readonly first: number
  readonly end: number
}

/**
 * The rows of `total` that a screen `height` pixels high shows when it is scrolled `scrolled` pixels below the list's top
 * (negative above it), with a screen's height more on either side so that scrolling finds them drawn.
 */
export function rowsNear(scrolled: number, height: number, rowHeight: number, total: number): RowRange {
  const first = Math.floor((scrolled - height) / rowHeight)
  const end = Math.ceil((scrolled + 2 * height) / rowHeight)
  return { first: Math.max(0, Math.min(first, total)), end: Math.max(0, Math.min(end, total)) }
}
