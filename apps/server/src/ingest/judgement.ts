import { randomFillSync } from 'node:crypto'
import type { Change, Evidence, Verdict } from '@normwatch/detector'
import { encodeNumber, type Health } from '@normwatch/protocol'
import type { FindingChange, Judgement, StoredFinding } from '../storage/store.ts'

export interface PartVerdict {
  /** `null`: the run itself. */
  readonly part: string | null
  readonly verdict: Verdict
}

/** Key of an open finding: at most one of a kind and part is open. */
export const episodeOf = ({ kind, part }: Pick<StoredFinding, 'kind' | 'part'>): string =>
  part === null ? kind : `${kind} ${part}`

const WORST_FIRST: readonly Health[] = ['flagged', 'watch', 'ok', 'unknown']

/** The detector's verdicts as the API shows them. Health is the worst of all; an active condition names its open finding. */
export function toJudgement(
  own: PartVerdict,
  parts: readonly PartVerdict[],
  open: ReadonlyMap<string, StoredFinding>,
): Judgement {
  const conditions = [own, ...parts].flatMap(({ part, verdict }) => conditionsOf(part, verdict, open))
  return {
    health: healthOf(own, parts),
    clipping: clippingOf(own.verdict),
    conditions,
    parts: parts.map(({ part, verdict }) => ({
      name: part as string,
      health: verdict.health,
      clipping: clippingOf(verdict),
    })),
  }
}

function healthOf(own: PartVerdict, parts: readonly PartVerdict[]): Health {
  const healths = [own, ...parts].map(({ verdict }) => verdict.health)
  const worst = WORST_FIRST.find((health) => healths.includes(health)) ?? 'unknown'
  // silence concerns the run, which may have no norms of its own
  const isSilent = own.verdict.conditions.some(({ kind, phase }) => kind === 'stalled' && phase === 'firing')
  return isSilent && worst !== 'unknown' ? 'flagged' : worst
}

const clippingOf = ({ clipping }: Verdict): Judgement['clipping'] => ({
  window: clipping.window,
  rate: clipping.rate,
  mean_coefficient: clipping.meanCoefficient,
  current_streak: clipping.currentStreak,
  longest_streak: clipping.longestStreak,
})

const conditionsOf = (
  part: string | null,
  { conditions }: Verdict,
  open: ReadonlyMap<string, StoredFinding>,
): Judgement['conditions'] =>
  conditions.map(({ kind, severity, phase, sinceStep }) => ({
    part,
    kind,
    severity,
    since_step: sinceStep,
    finding: phase === 'firing' ? (open.get(episodeOf({ kind, part }))?.id ?? null) : null,
  }))

/** The finding that opens; `at` is the time of the reading in milliseconds. */
export function openFinding(
  run: string,
  part: string | null,
  change: Extract<Change, { type: 'opened' }>,
  at: number,
): StoredFinding {
  return {
    id: findingId(Math.floor(at)),
    run,
    part,
    kind: change.kind,
    severity: change.severity,
    state: 'open',
    opened_step: change.step,
    onset: change.onset,
    opened_at: Math.floor(at),
    closed_step: null,
    closed_at: null,
    close_reason: null,
    evidence: wireEvidence(change.evidence),
    diagnosis: change.diagnosis.map((cause) => ({ ...cause })),
    moved: [],
    events: [],
    layers: [],
    sibling: null,
    explained: false,
  }
}

/** How an open finding closes; `at` is in milliseconds, and never before it opened. */
export function closeFinding(
  finding: StoredFinding,
  { step, reason }: Pick<Extract<Change, { type: 'closed' }>, 'step' | 'reason'>,
  at: number,
): Extract<FindingChange, { type: 'closed' }> {
  return {
    type: 'closed',
    id: finding.id,
    closed_step: step,
    closed_at: Math.max(Math.floor(at), finding.opened_at),
    close_reason: reason,
  }
}

/** The finding after the change, as readers see it. */
export function closedFinding(
  finding: StoredFinding,
  change: Extract<FindingChange, { type: 'closed' }>,
): StoredFinding {
  const { closed_step, closed_at, close_reason } = change
  return { ...finding, state: 'closed', closed_step, closed_at, close_reason }
}

function wireEvidence(evidence: Evidence): StoredFinding['evidence'] {
  return Object.fromEntries(
    Object.entries(evidence).map(([name, value]) => [
      name,
      typeof value === 'number' ? encodeNumber(value) : value,
    ]),
  )
}

/** A new UUID of version 7 (RFC 9562): its first 48 bits are `now` in milliseconds, so that ids sort by time. */
export function findingId(now: number): string {
  const bytes = randomFillSync(Buffer.alloc(16))
  bytes.writeUIntBE(now, 0, 6)
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
