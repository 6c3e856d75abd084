/** What the keys do on the runs page, for the list that `?` shows. */
export const ROW_KEYS = [
  ['/', 'search'],
  ['j  ↓', 'next run'],
  ['k  ↑', 'previous run'],
  ['Enter', 'open the run'],
  ['x', 'select the run'],
  ['c', 'compare the selected runs'],
] as const

/** The id of the run that has the focus. */
export function focusedRun(): string | undefined {
  return document.activeElement?.closest<HTMLElement>('[data-run]')?.dataset['run']
}

/** Moves the focus to the run `by` rows away from the one that has it, scrolling there; to the first row when none has. */
export function focusRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-run]')]
  const current = rows.findIndex((row) => row.contains(document.activeElement))
  const next = rows[current < 0 ? firstOnScreen(rows) : current + by]
  next?.scrollIntoView({ block: 'nearest' })
  next?.querySelector('a')?.focus({ preventScroll: true })
}

function firstOnScreen(rows: readonly HTMLElement[]): number {
  return Math.max(
    0,
    rows.findIndex((row) => row.getBoundingClientRect().top >= 36),
  )
}
