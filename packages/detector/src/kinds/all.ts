import type { FindingKind } from '../contract.ts'
import { clipSaturated } from './clip-saturated/kind.ts'
import { clipRegimeChange } from './clip-regime-change/kind.ts'
import { nonfinite } from './nonfinite/kind.ts'
import { spike } from './spike/kind.ts'
import { vanishing } from './vanishing/kind.ts'
import { lossDivergence } from './loss-divergence/kind.ts'
import { skipStreak } from './skip-streak/kind.ts'
import { clipIneffective } from './clip-ineffective/kind.ts'
import { looksPostClip } from './looks-post-clip/kind.ts'
import { stalled } from './stalled/kind.ts'
import type { FindingKindRecord } from './finding-kind.ts'

/** Every kind of finding, by its name on the wire. */
export const findingKinds = {
  clip_saturated: clipSaturated,
  clip_regime_change: clipRegimeChange,
  nonfinite: nonfinite,
  spike: spike,
  vanishing: vanishing,
  loss_divergence: lossDivergence,
  skip_streak: skipStreak,
  clip_ineffective: clipIneffective,
  looks_post_clip: looksPostClip,
  stalled: stalled,
} as const satisfies Record<FindingKind, FindingKindRecord>

export const KINDS = Object.keys(findingKinds) as readonly FindingKind[]
