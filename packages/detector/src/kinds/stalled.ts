import { number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, openFinding } from './findings.ts'
import type { Fold } from '../record/fold.ts'
import { significant } from '../series/round.ts'

const KIND = 'stalled'

export const stalled = {
  name: KIND,
  severity: 'warning',
  title: 'Run silent',
  condition: 'no points are arriving',
  opens: 'silent for 60 s and for 10 × the median time between its readings',
  closes: 'any reading',
  causes: [],
  figures: {
    silent_seconds: 'silent for, s',
    allowed_seconds: 'silence allowed, s',
    median_interval: 'median step time, s',
  },
  settings: {
    enabled: on,
    min_seconds: number(60, [1, 86_400], 'Shorter silences are checkpoints, evaluations and slow networks.'),
    intervals: number(
      10,
      [1, 1000],
      'Ten times its own rhythm: a run that logs every minute is silent after ten.',
    ),
  },
  judges: { reading: seeLife, silence: judgeSilence },
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly stalled: SettingsOf<typeof stalled.settings>
  }
}

/** The run has been silent for much longer than its usual interval. */
function judgeSilence(fold: Fold, silentSeconds: number): void {
  const settings = fold.settings[KIND]
  const { kinds, ended } = fold.state
  if (!settings.enabled || ended !== null || kinds[KIND].phase === 'firing') return
  const interval = medianInterval(fold.state.intervals.values)
  const allowed = Math.max(settings.min_seconds, settings.intervals * interval)
  if (silentSeconds < allowed) return
  openFinding(fold, stalled, fold.step < 0 ? null : fold.step, {
    silent_seconds: significant(silentSeconds, 4),
    allowed_seconds: significant(allowed, 4),
    median_interval: significant(interval, 4),
  })
}

/** Any reading, also a late one, is a sign of life. */
function seeLife(fold: Fold): void {
  if (fold.state.kinds[KIND].phase === 'firing') closeFinding(fold, KIND, 'recovered')
}

/** Seconds; 0 while unknown. */
function medianInterval(milliseconds: readonly number[]): number {
  if (milliseconds.length === 0) return 0
  const sorted = milliseconds.toSorted((a, b) => a - b)
  return (sorted[sorted.length >> 1] as number) / 1000
}
