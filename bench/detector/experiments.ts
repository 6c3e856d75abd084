import {
  judge,
  newState,
  type FindingKind,
  type Reading,
  type Settings,
} from '../../packages/detector/src/index.ts'
import { clipAt } from '../../packages/detector/test/readings.ts'
import { CAP, synthesise, type RunPlan } from './synthetic-runs.ts'

const facts = clipAt(CAP)

/** The points (counted from 0) at which findings opened, by kind. */
type Opened = ReadonlyMap<FindingKind, readonly number[]>

function openedPoints(readings: readonly Reading[], settings: Settings): Opened {
  const state = newState()
  const opened = new Map<FindingKind, number[]>()
  readings.forEach((reading, point) => {
    for (const { type, kind } of judge(state, reading, facts, settings))
      if (type === 'opened') opened.set(kind, [...(opened.get(kind) ?? []), point])
  })
  return opened
}

/** Findings in a set of runs. */
export interface Tally {
  readonly runs: number
  readonly points: number
  /** The number of runs in which this kind opened at least once. */
  runsOpened(kind: FindingKind): number
  perThousandPoints(kind: FindingKind): number
}

export function tally(plans: readonly RunPlan[], settings: Settings): Tally {
  const all = plans.map((plan) => openedPoints(synthesise(plan), settings))
  const points = plans.reduce((sum, plan) => sum + plan.points, 0)
  const findings = (kind: FindingKind): number =>
    all.reduce((sum, opened) => sum + (opened.get(kind)?.length ?? 0), 0)
  return {
    runs: plans.length,
    points,
    runsOpened: (kind) => all.filter((opened) => opened.has(kind)).length,
    perThousandPoints: (kind) => (1000 * findings(kind)) / points,
  }
}

/** How many points after the onset a kind opened, over a set of runs. */
export interface Delays {
  readonly runs: number
  /** `early`: runs in which it opened before the onset. `missed`: runs in which it never opened after it. */
  readonly early: number
  readonly missed: number
  readonly median: number | null
  readonly p90: number | null
}

/** `plan.onset` is the earliest point at which the kind should open. */
export function delays(plans: readonly RunPlan[], kind: FindingKind, settings: Settings): Delays {
  const found: number[] = []
  let early = 0
  let missed = 0
  for (const plan of plans) {
    const onset = plan.onset ?? 0
    const points = openedPoints(synthesise(plan), settings).get(kind) ?? []
    const first = points.find((point) => point >= onset)
    if (points.some((point) => point < onset)) early++
    else if (first === undefined) missed++
    else found.push(first - onset)
  }
  found.sort((a, b) => a - b)
  const at = (share: number): number | null => found[Math.floor(share * (found.length - 1))] ?? null
  return { runs: plans.length, early, missed, median: at(0.5), p90: at(0.9) }
}
