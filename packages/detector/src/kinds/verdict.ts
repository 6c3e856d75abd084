import { clipRate, currentStreak, meanCoefficient } from '../record/clips.ts'
import type { FindingKind, Health, RunFacts, Severity, Verdict } from '../contract.ts'
import { Fold } from '../record/fold.ts'
import type { Settings } from '../settings/settings.ts'
import type { DetectorState } from '../record/state.ts'
import { findingKinds, KINDS } from './all.ts'
import type { FindingKindRecord } from './finding-kind.ts'

/** The verdict after the last reading judged. Cheap: call it once per batch. */
export function verdict(state: DetectorState, facts: RunFacts, settings: Settings): Verdict {
  const { clips, warmUp } = state
  const conditions = conditionsOf(state)
  return {
    health: healthOf(state, conditions, settings),
    clipping: {
      window: clips.size,
      rate: clips.size === 0 ? null : clipRate(clips),
      meanCoefficient: meanCoefficient(Fold.of(state, facts, settings)),
      currentStreak: currentStreak(clips),
      longestStreak: clips.longest,
    },
    warmUp: warmUp.phase === 'on',
    conditions,
  }
}

function conditionsOf(state: DetectorState): Verdict['conditions'] {
  const conditions: Verdict['conditions'][number][] = []
  for (const kind of KINDS) {
    const { phase, since } = state.kinds[kind]
    if (phase !== 'inactive')
      conditions.push({ kind, severity: severityOf(state, kind), phase, sinceStep: since })
  }
  return conditions
}

/** Whether this kind is firing, and is a warning or critical. */
export function isFlagging(state: DetectorState, kind: FindingKind): boolean {
  return state.kinds[kind].phase === 'firing' && severityOf(state, kind) !== 'info'
}

function healthOf(state: DetectorState, conditions: Verdict['conditions'], settings: Settings): Health {
  const { ended, norms, clips } = state
  // Critical conditions flag even a run of a few points.
  const isCritical = conditions.some(({ phase, severity }) => phase === 'firing' && severity === 'critical')
  if (ended?.flagged || isCritical) return 'flagged'
  const enough = ended === null ? settings.window.judge_from : settings.window.judge_at_end_from
  if (Math.max(norms.seen, clips.seen) < enough) return 'unknown'
  if (conditions.some(({ phase, severity }) => phase === 'firing' && severity !== 'info')) return 'flagged'
  const isPending = conditions.some(({ phase }) => phase === 'pending')
  return isPending || clipRate(clips) > settings.health.watch_rate ? 'watch' : 'ok'
}

function severityOf(state: DetectorState, kind: FindingKind): Severity {
  const { severity, severityNow }: FindingKindRecord = findingKinds[kind]
  return severityNow === undefined ? severity : severityNow(state)
}
