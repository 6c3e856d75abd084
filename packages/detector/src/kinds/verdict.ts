import { clipRate, currentStreak, meanCoefficient } from '../record/clips.ts'
import type { FindingKind, Health, RunFacts, Severity, Verdict } from '../contract.ts'
import { Fold } from '../record/fold.ts'
import type { Settings } from '../settings/settings.ts'
import type { DetectorState } from '../record/state.ts'
import { findingKinds, KINDS } from './all.ts'
import type { FindingKindRecord } from './finding-kind.ts'

/** The verdict after the last reading judged. Cheap: call it once per batch. */
export function verdict(state: DetectorState, facts: RunFacts, settings: Settings): Verdict {
  const { clips, kinds, warmUp } = state
  return {
    health: healthOf(state, settings),
    clipping: {
      window: clips.size,
      rate: clips.size === 0 ? null : clipRate(clips),
      meanCoefficient: meanCoefficient(Fold.of(state, facts, settings)),
      currentStreak: currentStreak(clips),
      longestStreak: clips.longest,
    },
    warmUp: warmUp.phase === 'on',
    conditions: KINDS.flatMap((kind) => {
      const { phase, since } = kinds[kind]
      if (phase === 'inactive') return []
      return [{ kind, severity: severityOf(state, kind), phase, sinceStep: since }]
    }),
  }
}

/** Whether this kind is firing, and is a warning or critical. */
export function isFlagging(state: DetectorState, kind: FindingKind): boolean {
  return state.kinds[kind].phase === 'firing' && severityOf(state, kind) !== 'info'
}

function healthOf(state: DetectorState, settings: Settings): Health {
  const { ended, norms, kinds, clips } = state
  if (ended?.flagged || KINDS.some((kind) => isCritical(state, kind))) return 'flagged'
  const enough = ended === null ? settings.window.judge_from : settings.window.judge_at_end_from
  if (Math.max(norms.seen, clips.seen) < enough) return 'unknown'
  if (KINDS.some((kind) => isFlagging(state, kind))) return 'flagged'
  const isPending = KINDS.some((kind) => kinds[kind].phase === 'pending')
  return isPending || clipRate(clips) > settings.health.watch_rate ? 'watch' : 'ok'
}

/** Critical conditions flag even a run of a few points. */
function isCritical(state: DetectorState, kind: FindingKind): boolean {
  return state.kinds[kind].phase === 'firing' && severityOf(state, kind) === 'critical'
}

function severityOf(state: DetectorState, kind: FindingKind): Severity {
  const { severity, severityNow }: FindingKindRecord = findingKinds[kind]
  return severityNow === undefined ? severity : severityNow(state)
}
