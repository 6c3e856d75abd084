import type { FindingKind } from '../contract.ts'
import { clipIneffective } from './clip-ineffective.ts'
import { clipRegimeChange } from './clip-regime-change.ts'
import { clipSaturated } from './clip-saturated.ts'
import type { Fold } from '../record/fold.ts'
import type { FindingKindRecord, KindJudges, KindWords } from './finding-kind.ts'
import { looksPostClip } from './looks-post-clip.ts'
import { lossDivergence } from './loss-divergence.ts'
import { nonfinite } from './nonfinite.ts'
import { skipStreak } from './skip-streak.ts'
import { spike } from './spike.ts'
import { stalled } from './stalled.ts'
import { vanishing } from './vanishing.ts'

/** Every kind of finding by its API name, in the order in which they see a reading. */
export const findingKinds = {
  clip_saturated: clipSaturated,
  clip_regime_change: clipRegimeChange,
  nonfinite,
  spike,
  vanishing,
  loss_divergence: lossDivergence,
  skip_streak: skipStreak,
  clip_ineffective: clipIneffective,
  looks_post_clip: looksPostClip,
  stalled,
} as const satisfies { readonly [Kind in FindingKind]: FindingKindRecord & { readonly name: Kind } }

export const KINDS = Object.keys(findingKinds) as readonly FindingKind[]
export const kindRecords: readonly FindingKindRecord[] = Object.values(findingKinds)

type Judge = (fold: Fold, a?: unknown, b?: unknown) => void

/** What all kinds do with one part of a reading, as one function: called directly, it is compiled into its caller. */
export function judgesOf<Part extends keyof KindJudges>(part: Part): NonNullable<KindJudges[Part]> {
  const judges = kindRecords.flatMap((kind) => (kind.judges[part] as Judge | undefined) ?? [])
  return judges.length === 0 ? () => undefined : judges.reduce(inTurn)
}

function inTurn(first: Judge, second: Judge): Judge {
  return (fold, a, b) => {
    first(fold, a, b)
    second(fold, a, b)
  }
}

/** The title of a kind; for an unknown one its name. */
export function wordsOfKind(name: string): KindWords {
  if (Object.hasOwn(findingKinds, name)) return findingKinds[name as FindingKind]
  const words = name.replaceAll('_', ' ')
  return { title: words, condition: words, figures: {} }
}
