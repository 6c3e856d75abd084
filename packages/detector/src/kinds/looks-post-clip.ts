import { count, number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, openFinding } from './findings.ts'
import type { Fold } from '../record/fold.ts'
import { clippedAbove } from '../record/clipped-step.ts'
import { newRing, push, recent, type Ring } from '../series/ring.ts'
import { significant } from '../series/round.ts'
import type { Settings } from '../settings/settings.ts'

const KIND = 'looks_post_clip'

export const looksPostClip = {
  name: KIND,
  severity: 'info',
  title: 'Logged norm looks post-clip',
  condition: 'the norm logged looks post-clip',
  opens:
    '95 of 100 norms within 0.1% of the cap; or 20 of 100 equal to it up to the rounding of float32, and none above',
  closes: 'fewer than 80, and no such pile',
  causes: [],
  figures: {
    on_cap: 'points on the cap',
    equal_to_cap: 'norms equal to the cap, counted up to',
    max_norm: 'cap',
    share: 'share on the cap',
  },
  settings: {
    enabled: on,
    points: count(100, [20, 100], 'Enough that norms lying on the cap by chance cannot do it.'),
    share: number(0.95, [0.5, 1], 'A few norms below the cap are what a clipped run shows.'),
    close_share: number(0.8, [0.7, 1], 'Lower than the opening share.'),
    tolerance: number(
      0.001,
      [0, 0.1],
      'min(norm, cap) is the cap up to rounding; pre-clip norms are never that steady.',
    ),
    pile: count(
      20,
      [5, 100],
      'One norm in five equal to the cap to the last digit of float32, with none above it: chance does not do that.',
    ),
  },
  ascending: [['close_share', 'share']],
  judges: { cappedNorm: judgeOnCap },
  memory: () => ({ offCap: { seen: 0, off: newRing(), equal: newRing(), above: -1 } }),
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly looks_post_clip: SettingsOf<typeof looksPostClip.settings>
  }
}

declare module '../record/state.ts' {
  interface KindMemories {
    /** Places, in norms seen, of the newest norms that did not lie on the cap. */
    readonly offCap: {
      seen: number
      readonly off: Ring
      /** Those of the newest norms equal to the cap up to the rounding of float32, and the newest one above it. */
      readonly equal: Ring
      above: number
    }
  }
}

/** Nearly all norms lie on the cap: what is logged is the norm *after* clipping, so nothing can be said of clipping. */
function judgeOnCap(fold: Fold, norm: number, cap: number): void {
  const { offCap: own, kinds } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || !Number.isFinite(cap)) return
  own.seen++
  const { points } = settings
  // The places of the newest norms off the cap tell whether more than so many are among the last `points`.
  const { opening, closing } = placesFor(settings)
  if (Math.abs(norm - cap) > settings.tolerance * cap) push(own.off, closing, own.seen)
  const bar = clippedAbove(cap)
  if (norm > bar) own.above = own.seen
  else if (norm >= 2 * cap - bar) push(own.equal, settings.pile, own.seen)
  if (kinds[KIND].phase === 'firing') {
    if (isWithin(own.off, closing, own.seen, points) && !isPile(fold)) closeFinding(fold, KIND, 'recovered')
    return
  }
  if (own.seen < points) return
  if (isWithin(own.off, opening, own.seen, points) && !isPile(fold)) return
  let off = 0
  while (isWithin(own.off, off + 1, own.seen, points)) off++
  openFinding(fold, looksPostClip, null, {
    points,
    // More than that many off the cap are not counted.
    on_cap: off < closing ? points - off : null,
    share: off < closing ? significant(1 - off / points, 4) : null,
    equal_to_cap: own.equal.values.filter((at) => own.seen - at < points).length,
    max_norm: cap,
  })
}

/** Many norms equal to the cap and none above it: whatever their share, norms before clipping do not stop at the cap. */
function isPile(fold: Fold): boolean {
  const { offCap: own } = fold.state
  const { points, pile } = fold.settings[KIND]
  return isWithin(own.equal, pile, own.seen, points) && own.seen - own.above >= points
}

type Own = Settings[typeof KIND]

/** Norms off the cap, of the newest `points`, that say that they do not lie on it: of the settings asked for last. */
let places = { settings: undefined as Own | undefined, opening: 0, closing: 0 }

function placesFor(settings: Own): { opening: number; closing: number } {
  if (places.settings !== settings) {
    const { points, share, close_share: closeShare } = settings
    places = { settings, opening: offAllowed(points, share) + 1, closing: offAllowed(points, closeShare) + 1 }
  }
  return places
}

function offAllowed(points: number, share: number): number {
  return Math.floor(points * (1 - share) + 1e-9)
}

/** Whether the `count` newest places all lie among the last `points` of `seen`. */
function isWithin(places: Ring, count: number, seen: number, points: number): boolean {
  return places.values.length >= count && seen - recent(places, count - 1) < points
}
