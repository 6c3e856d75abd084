import { isDeepStrictEqual } from 'node:util'
import {
  end,
  judge,
  verdict,
  type Change,
  type DetectorState,
  type RunFacts,
  type Settings,
} from '@normwatch/detector'
import type { FindingKind, PointColumns, RunStatus } from '@normwatch/protocol'
import type { Overrides } from '../storage/settings-store.ts'
import {
  STATE_AFTER,
  type FindingChange,
  type Judged,
  type Judgement,
  type StoredFinding,
  type StoredRun,
} from '../storage/store.ts'
import { closedFinding, closeFinding, openFinding, toJudgement } from './judgement.ts'
import { forEachReading } from './readings.ts'
import { factsOf } from './run-settings.ts'
import { RunGate } from './run-gate.ts'
import type { SettingsInForce } from './run-settings.ts'

/** What a judgement depends on besides the readings. */
export interface Basis {
  readonly facts: RunFacts
  readonly overrides: Overrides
}

/** What the store keeps for the detector: its state, and what it was judged by. */
export interface SavedState extends Basis {
  readonly detector: DetectorState
}

/** What judging brought: the changes to store, and the findings as they then are, for the readers. */
export interface Outcome {
  readonly changes: FindingChange[]
  readonly findings: StoredFinding[]
}

/** A run that is being judged: the detector's state in memory, as it is after everything handed to the store. */
export class ActiveRun {
  readonly id: string
  readonly gate = new RunGate()
  /** What has been handed to the store since it was given a state. */
  #gathered = { batches: 0, points: 0, readings: 0 }
  /** Metrics that the store has accepted for this run since it became active. */
  readonly knownMetrics = new Set<string>()
  /** The version of the run that everything handed to the store leads to. */
  version: number
  status: RunStatus
  facts: RunFacts
  inForce: SettingsInForce
  state: DetectorState
  openFindings: Map<FindingKind, StoredFinding>
  judgement: Judgement
  /** The record must be judged from its start; until that is done, batches are stored and not judged. */
  stale = false
  /** Grows with every change that makes the record stale. */
  edition = 0
  /** Judging the record again, while that is under way. */
  judging: Promise<void> | undefined
  /** This copy may differ from the store; its holder must get the run again. */
  dropped = false

  constructor(
    run: StoredRun,
    state: DetectorState,
    open: readonly StoredFinding[],
    inForce: SettingsInForce,
  ) {
    this.id = run.id
    this.version = run.version
    this.status = run.status
    this.facts = factsOf(run)
    this.state = state
    this.inForce = inForce
    this.openFindings = new Map(open.map((finding) => [finding.kind, finding]))
    this.judgement = judgementOf(run)
  }

  get settings(): Settings {
    return this.inForce.settings
  }

  /** Whether the record was judged by just this. */
  isJudgedBy({ facts, overrides }: Basis): boolean {
    return isDeepStrictEqual(this.facts, facts) && isDeepStrictEqual(this.inForce.overrides, overrides)
  }

  markStale(): void {
    this.stale = true
    this.edition++
  }

  /**
   * Judges a batch, adding to `outcome` what it brought; steps at or below the newest one judged change nothing. On a
   * run that has ended the judgement follows, but no finding opens. While the record is stale, the old judgement stands.
   */
  fold(columns: PointColumns, arrivedAt: number, outcome: Outcome = { changes: [], findings: [] }): Outcome {
    if (this.stale) return outcome
    if (this.status === 'running') {
      forEachReading(columns, arrivedAt, (reading) => {
        const changes = judge(this.state, reading, this.facts, this.settings)
        if (changes.length > 0) this.note(changes, reading.time * 1000, outcome)
      })
    } else {
      this.replay(columns, arrivedAt)
      end(this.state, this.status, this.facts, this.settings)
    }
    this.refreshJudgement()
    return outcome
  }

  /** Brings the state up to a batch that was judged and stored before: its findings are known already. */
  replay(columns: PointColumns, arrivedAt: number): void {
    forEachReading(columns, arrivedAt, (reading) => judge(this.state, reading, this.facts, this.settings))
  }

  /** Adds to `outcome` what edges of the detector mean for the run's findings; `at` is in milliseconds. */
  note(changes: readonly Change[], at: number, outcome: Outcome): void {
    for (const change of changes) {
      if (change.type === 'opened') {
        const finding = openFinding(this.id, change, at)
        this.openFindings.set(change.kind, finding)
        outcome.changes.push({ type: 'opened', finding })
        outcome.findings.push(finding)
      } else {
        const finding = this.openFindings.get(change.kind)
        if (finding === undefined) continue
        this.openFindings.delete(change.kind)
        const closing = closeFinding(finding, change, at)
        outcome.changes.push(closing)
        outcome.findings.push(closedFinding(finding, closing))
      }
    }
  }

  /** Takes over what judging the record again came to. */
  adopt(judged: ActiveRun, open: Map<FindingKind, StoredFinding>): void {
    this.state = judged.state
    this.openFindings = open
    this.stale = false
    this.refreshJudgement()
  }

  refreshJudgement(): void {
    this.judgement = toJudgement(verdict(this.state, this.facts, this.settings), this.openFindings)
  }

  /** What judging came to, for the unit that follows; it begins in this turn and makes the next version. */
  judged(changes: readonly FindingChange[]): Judged {
    return { version: this.version++, judgement: this.judgement, changes, state: this.#savedState() }
  }

  /** The same for a batch, with the state where one is due. */
  judgedBatch(columns: PointColumns, changes: readonly FindingChange[]): Judged {
    this.gather(columns)
    const { batches, points, readings } = this.#gathered
    const isDue =
      batches >= STATE_AFTER.batches || points >= STATE_AFTER.points || readings >= STATE_AFTER.readings
    if (isDue && !this.stale) return this.judged(changes)
    return { version: this.version++, judgement: this.judgement, changes }
  }

  /** Counts a batch that the state given last does not hold. */
  gather({ step, metrics }: PointColumns): void {
    this.#gathered.batches++
    this.#gathered.points += step.length
    this.#gathered.readings += step.length * (metrics.size + 2)
  }

  /** As text: what is folded later must not reach a unit that is waiting to be written. */
  #savedState(): string {
    this.#gathered = { batches: 0, points: 0, readings: 0 }
    const { facts, inForce, state } = this
    return JSON.stringify({ facts, overrides: inForce.overrides, detector: state } satisfies SavedState)
  }
}

function judgementOf({ health, conditions, clipping }: StoredRun): Judgement {
  const { rate_total: _, ...judged } = clipping
  return { health, conditions, clipping: judged }
}
