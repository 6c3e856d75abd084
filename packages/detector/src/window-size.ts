import type { Settings } from './settings.ts'

/** How many of `seen` points the window holds: a tenth of them, within bounds, and never more than there are. */
export function windowSize(seen: number, { window }: Settings): number {
  return Math.min(seen, window.max, Math.max(window.min, Math.floor(seen * window.share)))
}
