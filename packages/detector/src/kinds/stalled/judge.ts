import { closeFinding, openFinding } from '../findings.ts'
import type { Fold } from '../../record/fold.ts'
import { significant } from '../../series/round.ts'

const KIND = 'stalled'

/** The run has been silent for longer than its own rhythm explains. */
export function judgeSilence(fold: Fold, silentSeconds: number): void {
  const settings = fold.settings[KIND]
  const { kinds, ended } = fold.state
  if (!settings.enabled || ended !== null || kinds[KIND].phase === 'firing') return
  const interval = medianInterval(fold.state.intervals.values)
  const allowed = Math.max(settings.min_seconds, settings.intervals * interval)
  if (silentSeconds < allowed) return
  openFinding(fold, KIND, fold.step < 0 ? null : fold.step, {
    silent_seconds: significant(silentSeconds, 4),
    allowed_seconds: significant(allowed, 4),
    median_interval: significant(interval, 4),
  })
}

/** Any reading, also a late one, is a sign of life. */
export function seeLife(fold: Fold): void {
  if (fold.state.kinds[KIND].phase === 'firing') closeFinding(fold, KIND, 'recovered')
}

/** Seconds; 0 while unknown. */
function medianInterval(milliseconds: readonly number[]): number {
  if (milliseconds.length === 0) return 0
  const sorted = milliseconds.toSorted((a, b) => a - b)
  return (sorted[sorted.length >> 1] as number) / 1000
}
