import { clipRule } from '@normwatch/detector'
import {
  encodeNumber,
  MAX_PARTS_PER_RUN,
  partMetric,
  WELL_KNOWN_METRICS,
  type PartFields,
} from '@normwatch/protocol'
import { isSameRule, type Stream, type Tally } from '../leaf/stream.ts'
import { TooManyMetrics, VersionConflict, type Judged, type Judgement, type StoredRun } from '../store.ts'
import { CachedLeaves } from './cached-leaves.ts'
import type { RunTables } from './run-tables.ts'
import {
  attention,
  conditionsOf,
  fixedFields,
  movingFields,
  newPart,
  partsOf,
  type Latest,
  type PartRow,
  type RunDocuments,
  type RunRow,
} from './run-row.ts'
import { isLayer, type MetricNames } from './metric-names.ts'
import type { TailBatch } from './tail.ts'

/** Metrics in `latest` besides the well-known ones. */
const MAX_OTHER_LATEST = 32
const wellKnown: ReadonlySet<string> = new Set(WELL_KNOWN_METRICS)

/**
 * A run that is being written: its row, and the leaves that its newest batches changed. What is here and not in the
 * leaves' table is in the tail, so that it may be dropped at any time between two transactions.
 */
export class CachedRun {
  row: RunRow
  documents: RunDocuments
  readonly names: MetricNames
  readonly leaves: CachedLeaves
  /** The newest state of the detector that was given and is not written yet, as of the version `through`. */
  unsaved: { readonly state: string; readonly through: number } | undefined
  /** What has gathered in the tail since the leaves were written. */
  tail = { batches: 0, points: 0, bytes: 0 }
  #latest: Latest
  #fixed: ReturnType<typeof fixedFields>
  #conditions: Judgement['conditions']
  #parts: PartRow[]
  #streams: { readonly names: number; readonly list: readonly [Stream, ...Stream[]] } | undefined

  constructor(tables: RunTables, row: RunRow, documents: RunDocuments, names: MetricNames) {
    this.leaves = new CachedLeaves(tables, this)
    this.row = row
    this.documents = documents
    this.names = names
    this.#latest = latestOf(row.latest)
    this.#conditions = conditionsOf(row)
    this.#parts = partsOf(row)
    this.#fixed = fixedFields(row, documents)
  }

  get run(): StoredRun {
    return { ...this.#fixed, ...movingFields(this.row, this.#latest, this.#conditions, this.#parts) }
  }

  /** Throws `TooManyMetrics` when these parts would take the run over the bound. */
  refuseParts(names: readonly string[]): void {
    const all = new Set([...this.#parts.map(({ name }) => name), ...names])
    if (all.size > MAX_PARTS_PER_RUN) {
      throw new TooManyMetrics(`A run has at most ${MAX_PARTS_PER_RUN} parts; this makes it ${all.size}.`)
    }
  }

  /** Begins a unit, whose judgement must be based on the current version. Throws `VersionConflict`. */
  begin(judged?: Pick<Judged, 'version'>): void {
    const { id, version } = this.row
    if (judged !== undefined && judged.version !== version) {
      throw new VersionConflict(id, judged.version, version)
    }
    this.row.version = version + 1
  }

  /** Applies this unit's judgement. */
  note({ judgement, state }: Judged): void {
    this.#judge(judgement)
    if (state !== undefined) this.unsaved = { state, through: this.row.version }
  }

  /** Puts changed fields in place of the old ones. */
  change(fields: Partial<RunRow>, documents: RunDocuments = this.documents): void {
    this.row = { ...this.row, ...fields }
    this.row.attention = attention(this.row.health, this.row.status)
    this.documents = documents
    this.#fixed = fixedFields(this.row, documents)
    this.#streams = undefined
  }

  /** What is judged separately: the gradients of the run, then those of each part. */
  get streams(): readonly [Stream, ...Stream[]] {
    const { names } = this
    if (this.#streams?.names !== names.size) {
      const own: Stream = { ...names.stream(null), rule: clipRule(this.#fixed.clip) }
      const parts = this.#parts.map(({ name, clip }) => ({ ...names.stream(name), rule: clipRule(clip) }))
      this.#streams = { names: names.size, list: [own, ...parts] }
    }
    return this.#streams.list
  }

  /**
   * Makes the parts that the run does not have yet and changes the fields given of the others. Gives the streams whose
   * steps must be recounted, whether points of new parts are to be added to the totals, and whether the record must be judged
   * again.
   */
  declare(fields: Readonly<Record<string, PartFields>>): {
    recount: number[]
    isRetotalled: boolean
    isJudgedAgain: boolean
  } {
    const before = this.#parts
    const added = Object.keys(fields).filter((name) => before.every((part) => part.name !== name))
    const parts = [...before, ...added.map(newPart)].map((part) => ({ ...part, ...fields[part.name] }))
    const edited = parts.map((part, i) => ({ part, old: before[i] }))
    const recount = edited.flatMap(({ part, old }, i) =>
      old === undefined || !isSameRule(part.clip, old.clip) ? i + 1 : [],
    )
    const isJudgedAgain = edited.some(
      ({ part, old }) =>
        old === undefined ||
        part.optimizer !== old.optimizer ||
        JSON.stringify(part.clip) !== JSON.stringify(old.clip),
    )
    this.#parts = parts
    this.#streams = undefined
    this.#keepParts()
    const isEmpty = this.row.points === 0
    return {
      recount: isEmpty ? [] : recount,
      isRetotalled: added.length > 0 && !isEmpty,
      isJudgedAgain: isJudgedAgain && !isEmpty,
    }
  }

  #keepParts(): void {
    if (this.#parts.length > 0) this.row.parts = JSON.stringify(this.#parts)
  }

  /** Adds to the totals, or puts them in place of the old ones. */
  count(tally: Tally, isAnew = false): void {
    const { row } = this
    if (isAnew) Object.assign(row, { points: 0, nonfinite: 0, over: 0, judged: 0 })
    row.points += tally.points
    row.nonfinite += tally.nonfinite
    row.over += tally.over[0] as number
    row.judged += tally.judged[0] as number
    this.#parts.forEach((part, i) => {
      part.over = (isAnew ? 0 : part.over) + (tally.over[i + 1] as number)
      part.judged = (isAnew ? 0 : part.judged) + (tally.judged[i + 1] as number)
    })
    this.#keepParts()
  }

  /** Puts other counts of steps over the cap of a stream in place of the old ones. The first stream is the run's own. */
  recounted(stream: number, over: number, judged: number): void {
    if (stream === 0) Object.assign(this.row, { over, judged })
    else Object.assign(this.#parts[stream - 1] as PartRow, { over, judged })
    this.#keepParts()
  }

  #judge({ health, conditions, clipping, parts }: Judgement): void {
    this.#conditions = conditions
    for (const { name, ...judged } of parts) {
      const part = this.#parts.find((known) => known.name === name)
      if (part !== undefined) Object.assign(part, judged)
    }
    this.#keepParts()
    Object.assign(this.row, {
      health,
      conditions: JSON.stringify(conditions),
      window: clipping.window,
      rate: clipping.rate,
      meanCoefficient: clipping.mean_coefficient,
      currentStreak: clipping.current_streak,
      longestStreak: clipping.longest_streak,
      attention: attention(health, this.row.status),
    } satisfies Partial<RunRow>)
  }

  /** Takes a new batch into the leaves and the totals. */
  accept({ arrivedAt, rows }: TailBatch): void {
    this.count(this.leaves.merge(rows, arrivedAt))
    this.row.lastArrival = arrivedAt
    this.row.updatedAt = Math.max(this.row.updatedAt, arrivedAt)
    const last = rows.step[rows.count - 1]
    if (last !== undefined) this.row.lastStep = Math.max(this.row.lastStep ?? 0, last)
    for (const [metric, { values, present }] of rows.columns) {
      const row = present === null ? rows.count - 1 : present.lastIndexOf(1)
      if (row >= 0) this.#noteLatest(metric, rows.step[row] as number, values[row] as number)
    }
    this.row.latest = JSON.stringify(this.#latest)
  }

  /** Takes a batch that the totals hold already back into the leaves. */
  restore({ arrivedAt, rows }: TailBatch): void {
    this.leaves.merge(rows, arrivedAt)
    this.tail.batches++
    this.tail.points += rows.count
  }

  #noteLatest(metric: number, step: number, value: number): void {
    const name = this.names.name(metric)
    const known = this.#latest[name]
    if (known !== undefined ? step < known[0] : isLayer(name) || !this.#hasRoomFor(name)) return
    this.#latest[name] = [step, encodeNumber(value)]
  }

  /** Looks up again which reading of each metric in `latest` is its newest. */
  renewLatest(newest: (metric: number) => { step: number; value: number } | undefined): void {
    const names = Object.keys(this.#latest)
    this.#latest = latestOf('{}')
    for (const name of names) {
      const metric = this.names.number(name) as number
      const reading = newest(metric)
      if (reading !== undefined) this.#noteLatest(metric, reading.step, reading.value)
    }
    this.row.latest = JSON.stringify(this.#latest)
  }

  #hasRoomFor(name: string): boolean {
    if (this.#isLatestKept(name)) return true
    const others = Object.keys(this.#latest).filter((other) => !this.#isLatestKept(other))
    return others.length < MAX_OTHER_LATEST
  }

  /** Whether it is a well-known metric, of the run or of one of its parts. */
  #isLatestKept(name: string): boolean {
    if (wellKnown.has(name)) return true
    if (this.#parts.length === 0) return false
    const part = partMetric(name)?.part
    return part !== undefined && this.#parts.some((known) => known.name === part)
  }
}

/** Without a prototype, so that a metric may have any name. */
function latestOf(json: string): Latest {
  return Object.assign(Object.create(null) as Latest, JSON.parse(json))
}
