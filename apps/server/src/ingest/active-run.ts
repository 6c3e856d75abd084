import { isDeepStrictEqual } from 'node:util'
import { silence, type Change, type DetectorState, type RunFacts, type Settings } from '@normwatch/detector'
import type { Clipping, PointColumns, RunStatus } from '@normwatch/protocol'
import type { Overrides } from '../storage/settings-store.ts'
import {
  STATE_AFTER,
  type Explanation,
  type FindingChange,
  type Judged,
  type Judgement,
  type StoredFinding,
  type StoredRun,
} from '../storage/store.ts'
import { JudgedPart, type SavedPart } from './judged-part.ts'
import {
  closedFinding,
  closeFinding,
  episodeOf,
  openFinding,
  toJudgement,
  type PartVerdict,
} from './judgement.ts'
import { factsOf } from './run-settings.ts'
import { RunGate } from './run-gate.ts'
import type { SettingsInForce } from './run-settings.ts'

/** What a judgement depends on, besides the readings. */
export interface Basis {
  readonly facts: RunFacts
  readonly overrides: Overrides
  /** Of each part by its name; left out if the run has no parts. */
  readonly parts?: Readonly<Record<string, { readonly facts: RunFacts }>> | undefined
}

/** What the store keeps for the detector: its states, and the facts they depend on. */
export interface SavedState extends Basis {
  readonly detector: DetectorState
  /** Gradient fields for which a run with parts has had readings of its own. */
  readonly own?: SavedPart['own'] | undefined
  readonly parts?: Readonly<Record<string, SavedPart>> | undefined
}

/** The outcome of judging: the changes to store, and the updated findings for the readers. */
export interface Outcome {
  readonly changes: FindingChange[]
  readonly findings: StoredFinding[]
}

/** A run that is being judged: the detector's state in memory, including everything handed to the store. */
export class ActiveRun {
  readonly id: string
  readonly gate = new RunGate()
  /** What has been handed to the store since the last saved state. */
  #gathered = { batches: 0, points: 0, readings: 0 }
  /** Metrics that the store has accepted for this run since it was loaded. */
  readonly knownMetrics = new Set<string>()
  /** The version of the run that everything handed to the store leads to. */
  version: number
  status: RunStatus
  /** The run itself, then its parts; each is judged separately. */
  parts: readonly [JudgedPart, ...JudgedPart[]]
  inForce: SettingsInForce
  /** By kind and part, see `episodeOf`. */
  openFindings: Map<string, StoredFinding>
  judgement: Judgement
  /** The record must be judged from its start; until then, batches are stored without being judged. */
  stale = false
  /** Grows with every change that makes the record stale. */
  edition = 0
  /** The highest step that is stored; -1 without points. */
  lastStep: number
  /** The running re-evaluation of the record, if any. */
  judging: Promise<void> | undefined
  /** This copy may differ from the store; its user must load the run again. */
  dropped = false

  constructor(
    run: StoredRun,
    saved: SavedState | undefined,
    open: readonly StoredFinding[],
    inForce: SettingsInForce,
  ) {
    this.id = run.id
    this.version = run.version
    this.status = run.status
    this.lastStep = run.last_step ?? -1
    const own = new JudgedPart(
      null,
      factsOf(run),
      saved && { detector: saved.detector, own: saved.own ?? [] },
    )
    const parts = run.parts.map(
      (part) => new JudgedPart(part.name, factsOf(run, part), saved?.parts?.[part.name]),
    )
    this.parts = [own, ...parts]
    this.inForce = inForce
    this.openFindings = new Map(open.map((finding) => [episodeOf(finding), finding]))
    this.judgement = judgementOf(run)
  }

  get settings(): Settings {
    return this.inForce.settings
  }

  get own(): JudgedPart {
    return this.parts[0]
  }

  get basis(): Basis {
    const [{ facts }, ...parts] = this.parts
    const named = parts.map((part) => [part.name, { facts: part.facts }] as const)
    return {
      facts,
      overrides: this.inForce.overrides,
      parts: parts.length === 0 ? undefined : Object.fromEntries(named),
    }
  }

  /** Whether the record was judged with exactly these facts. */
  isJudgedBy(basis: Basis): boolean {
    const { facts, overrides, parts } = this.basis
    const factsOfParts = Object.entries(basis.parts ?? {}).map(([name, { facts }]) => [name, { facts }])
    return (
      isDeepStrictEqual(facts, basis.facts) &&
      isDeepStrictEqual(overrides, basis.overrides) &&
      isDeepStrictEqual(parts ?? {}, Object.fromEntries(factsOfParts))
    )
  }

  /** Sets the facts by which the run is judged from now on. */
  rebase(run: StoredRun, inForce: SettingsInForce): void {
    const known = new Map(this.parts.map((part) => [part.name, part]))
    const part = (name: string | null, facts: RunFacts) => {
      const judged = known.get(name) ?? new JudgedPart(name, facts)
      judged.facts = facts
      return judged
    }
    this.parts = [
      part(null, factsOf(run)),
      ...run.parts.map((fields) => part(fields.name, factsOf(run, fields))),
    ]
    this.inForce = inForce
  }

  /** Parts that appear with their first readings, undeclared; a run with stored points must then be judged again. */
  addParts(names: readonly string[]): void {
    const { optimizer } = this.own.facts
    const facts: RunFacts = { clip: { mode: 'none', max_norm: null }, optimizer }
    this.parts = [...this.parts, ...names.map((name) => new JudgedPart(name, facts))]
    if (this.lastStep >= 0) this.markStale()
  }

  markStale(): void {
    this.stale = true
    this.edition++
  }

  /**
   * Judges a batch and adds the result to `outcome`; steps at or below the newest one judged change nothing. On a
   * run that has ended the judgement follows, but no finding opens. While the record is stale, the old judgement stands.
   */
  fold(columns: PointColumns, arrivedAt: number, outcome: Outcome = { changes: [], findings: [] }): Outcome {
    if (this.stale) return outcome
    if (this.status === 'running') {
      this.#fold(columns, arrivedAt, (changes, at, part) => this.note(changes, at, outcome, part))
    } else {
      this.replay(columns, arrivedAt)
      for (const part of this.parts) part.end(this.status, this.settings)
    }
    this.refreshJudgement()
    return outcome
  }

  /** Replays a batch that was judged and stored before, to update the state: its findings are already known. */
  replay(columns: PointColumns, arrivedAt: number): void {
    this.#fold(columns, arrivedAt, () => undefined)
  }

  #fold(
    columns: PointColumns,
    arrivedAt: number,
    note: (changes: readonly Change[], at: number, part: string | null) => void,
  ): void {
    const isAlone = this.parts.length === 1
    for (const part of this.parts) {
      part.fold(columns, arrivedAt, this.settings, isAlone, (changes, at) => note(changes, at, part.name))
    }
  }

  /** Ends the run, adding to `outcome` the findings that end with it; `at` is in milliseconds. */
  end(status: 'finished' | 'failed' | 'preempted', at: number, outcome: Outcome): void {
    for (const part of this.parts) this.note(part.end(status, this.settings), at, outcome, part.name)
    this.refreshJudgement()
  }

  /** The run has been silent for so many seconds. */
  silence(seconds: number, at: number, outcome: Outcome): void {
    const { state, facts } = this.own
    this.note(silence(state, seconds, facts, this.settings), at, outcome, null)
    this.refreshJudgement()
  }

  /** Adds to `outcome` the findings that the detector opened or closed; `at` is in milliseconds. */
  note(changes: readonly Change[], at: number, outcome: Outcome, part: string | null): void {
    for (const change of changes) {
      const episode = episodeOf({ kind: change.kind, part })
      if (change.type === 'opened') {
        if (this.openFindings.has(episode)) continue
        const finding = openFinding(this.id, part, change, at)
        this.openFindings.set(episode, finding)
        outcome.changes.push({ type: 'opened', finding })
        outcome.findings.push(finding)
      } else {
        const finding = this.openFindings.get(episode)
        if (finding === undefined) continue
        this.openFindings.delete(episode)
        const closing = closeFinding(finding, change, at)
        outcome.changes.push(closing)
        outcome.findings.push(closedFinding(finding, closing))
      }
    }
  }

  /** A closing finding keeps its explanation. */
  explained(finding: StoredFinding, explanation: Explanation): void {
    const episode = episodeOf(finding)
    const open = this.openFindings.get(episode)
    if (open?.id === finding.id) this.openFindings.set(episode, { ...open, ...explanation, explained: true })
  }

  /** Applies the result of judging the record again. */
  adopt(judged: ActiveRun, open: Map<string, StoredFinding>): void {
    this.parts = judged.parts
    this.openFindings = open
    this.stale = false
    this.refreshJudgement()
  }

  refreshJudgement(): void {
    const [own, ...parts] = this.parts.map((part) => ({
      part: part.name,
      verdict: part.verdict(this.settings),
    })) as [PartVerdict, ...PartVerdict[]]
    this.judgement = toJudgement(own, parts, this.openFindings)
  }

  /**
   * The judgement for the next unit, which must begin in this turn and makes the next version. While the record is stale, it
   * has no state: stored with the new facts, the old state would pass for one that was judged by them.
   */
  judged(changes: readonly FindingChange[]): Judged {
    const unit = { version: this.version++, judgement: this.judgement, changes }
    return this.stale ? unit : { ...unit, state: this.#savedState() }
  }

  /** The same for a batch, with the detector's state if it is due. */
  judgedBatch(columns: PointColumns, changes: readonly FindingChange[]): Judged {
    this.gather(columns)
    const { batches, points, readings } = this.#gathered
    const isDue =
      batches >= STATE_AFTER.batches || points >= STATE_AFTER.points || readings >= STATE_AFTER.readings
    if (isDue) return this.judged(changes)
    return { version: this.version++, judgement: this.judgement, changes }
  }

  /** Counts a batch that the last saved state does not include. */
  gather({ step, metrics }: PointColumns): void {
    this.#gathered.batches++
    this.#gathered.points += step.length
    this.#gathered.readings += step.length * (metrics.size + 2)
  }

  /** As text, so that later readings cannot change a unit that is waiting to be written. */
  #savedState(): string {
    this.#gathered = { batches: 0, points: 0, readings: 0 }
    const { facts, overrides } = this.basis
    const [own, ...parts] = this.parts
    const saved: SavedState = {
      facts,
      overrides,
      detector: own.state,
      ...(parts.length > 0 && {
        own: own.saved.own,
        parts: Object.fromEntries(parts.map((part) => [part.name, part.saved])),
      }),
    }
    return JSON.stringify(saved)
  }
}

function judgementOf({ health, conditions, clipping, parts }: StoredRun): Judgement {
  return {
    health,
    conditions,
    clipping: withoutTotal(clipping),
    parts: parts.map((part) => ({
      name: part.name,
      health: part.health,
      clipping: withoutTotal(part.clipping),
    })),
  }
}

function withoutTotal({ rate_total: _, ...judged }: Clipping): Judgement['clipping'] {
  return judged
}
