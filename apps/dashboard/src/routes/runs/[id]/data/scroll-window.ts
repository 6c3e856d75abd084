/** Browsers draw no element that is higher than about 17 million pixels; beyond this the scroll bar is coarser than the rows. */
const HIGHEST = 8_000_000

export interface ScrollWindow {
  /** How high the list is for the scroll bar, in pixels. */
  readonly height: number
  /** The rows on screen, `end` exclusive. */
  readonly first: number
  readonly end: number
  /** How far the first row reaches above the screen, in pixels. */
  readonly above: number
}

/** What `rows` rows, each `rowHeight` pixels high, show in `view` pixels when scrolled to `top`. */
export function scrollWindow(top: number, view: number, rows: number, rowHeight: number): ScrollWindow {
  const full = rows * rowHeight
  const height = Math.min(full, HIGHEST)
  const y = Math.max(0, Math.min(top * ratio(full, height, view), full - view))
  const first = Math.floor(y / rowHeight)
  return {
    height,
    first,
    end: Math.min(rows, Math.ceil((y + view) / rowHeight)),
    above: y - first * rowHeight,
  }
}

/** Where to scroll for this row to be the first, in pixels. */
export function topOfRow(row: number, view: number, rows: number, rowHeight: number): number {
  const full = rows * rowHeight
  return (row * rowHeight) / ratio(full, Math.min(full, HIGHEST), view)
}

function ratio(full: number, height: number, view: number): number {
  return full > height ? (full - view) / (height - view) : 1
}
