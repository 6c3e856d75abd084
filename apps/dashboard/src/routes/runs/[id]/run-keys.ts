/** What the keys do on a run's page, for the list that `?` shows. */
export const RUN_KEYS = [
  ['l', 'log or linear axis of the norm'],
  ['s', 'smooth the lines'],
  ['f', 'follow the newest steps'],
  ['0', 'reset the zoom'],
  ['c', 'compare with other runs'],
  ['←  →', 'move the cursor'],
  ['Shift + ← →', 'pan'],
  ['+  −', 'zoom at the cursor'],
  ['Drag', 'zoom'],
  ['Double click', 'reset the zoom'],
  ['Ctrl + wheel', 'zoom at the cursor'],
  ['Shift + drag', 'pan'],
  ['Two fingers', 'pan and zoom'],
  ['Esc', 'reset the zoom, then back to all runs'],
  ['?', 'this list'],
] as const
