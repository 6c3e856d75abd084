import { count, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, openFinding } from './findings.ts'
import type { Fold } from '../record/fold.ts'

const KIND = 'skip_streak'

export const skipStreak = {
  name: KIND,
  severity: 'warning',
  title: 'Optimiser steps skipped',
  condition: 'the optimiser keeps skipping steps',
  opens: '5 reported steps skipped in a row',
  closes: '20 taken in a row',
  causes: ['amp_overflow'],
  figures: {
    streak: 'points in a row',
    skipped_in_all: 'skipped in all',
  },
  settings: {
    enabled: on,
    open_after: count(
      5,
      [1, 1000],
      'Five halvings in a row take a scale down by 32: the scaler is not finding its level.',
    ),
    close_after: count(20, [1, 10_000], 'Twenty taken steps show that it has.'),
  },
  judges: { skipped: judgeSkips },
  memory: () => ({ skips: { streak: 0, from: -1, taken: 0, total: 0 } }),
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly skip_streak: SettingsOf<typeof skipStreak.settings>
  }
}

declare module '../record/state.ts' {
  interface KindMemories {
    readonly skips: { streak: number; from: number; taken: number; total: number }
  }
}

/** The optimiser skips step after step: the loss scaler does not settle, or every gradient overflows. */
function judgeSkips(fold: Fold, skipped: number): void {
  const { skips, kinds, scale } = fold.state
  const settings = fold.settings[KIND]
  const isSkipped = skipped > 0
  if (isSkipped && skips.streak === 0) skips.from = fold.step
  skips.streak = isSkipped ? skips.streak + 1 : 0
  skips.taken = isSkipped ? 0 : skips.taken + 1
  if (isSkipped) skips.total++
  if (!settings.enabled) return
  if (kinds[KIND].phase === 'firing') {
    if (skips.taken >= settings.close_after) closeFinding(fold, KIND, 'recovered')
  } else if (skips.streak >= settings.open_after)
    openFinding(fold, skipStreak, skips.from, {
      streak: skips.streak,
      skipped_in_all: skips.total,
      loss_scale: scale.seen > 0 ? scale.value : null,
    })
}
