import { count, number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, openFinding } from './findings.ts'
import type { Fold } from '../record/fold.ts'
import { significant } from '../series/round.ts'

const KIND = 'clip_ineffective'

export const clipIneffective = {
  name: KIND,
  severity: 'warning',
  title: 'Clipping has no effect',
  condition: 'the clip call has no effect',
  opens: 'the norm after clipping above 1.01 × cap 5 times in a row (clipping by norm only)',
  closes: '5 times within',
  causes: [],
  figures: {
    post_norm: 'post-clip norm',
    max_norm: 'cap',
  },
  settings: {
    enabled: on,
    tolerance: number(
      1.01,
      [1, 10],
      'Room for the rounding of half precision and of the 1e-6 in the coefficient.',
    ),
    points: count(5, [1, 1000], 'Five in a row are not rounding.'),
  },
  judges: { postNorm: judgePostNorm },
  memory: () => ({ postNorm: { over: 0, from: -1, within: 0 } }),
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly clip_ineffective: SettingsOf<typeof clipIneffective.settings>
  }
}

declare module '../record/state.ts' {
  interface KindMemories {
    readonly postNorm: { over: number; from: number; within: number }
  }
}

/**
 * The norm *after* clipping is above the cap: the clip call does nothing, because it stands in the wrong place or is
 * given the wrong parameters. Closes after as many norms within the cap as it took to open.
 */
function judgePostNorm(fold: Fold, postNorm: number, cap: number): void {
  const { postNorm: own, kinds } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || !Number.isFinite(postNorm)) return
  const isOver = postNorm > settings.tolerance * cap
  if (isOver && own.over === 0) own.from = fold.step
  own.over = isOver ? own.over + 1 : 0
  own.within = isOver ? 0 : own.within + 1
  if (kinds[KIND].phase === 'firing') {
    if (own.within >= settings.points) closeFinding(fold, KIND, 'recovered')
  } else if (own.over >= settings.points)
    openFinding(fold, clipIneffective, own.from, {
      points: own.over,
      post_norm: significant(postNorm, 4),
      max_norm: cap,
    })
}
