import { clipRule } from '@normwatch/detector'
import {
  encodeNumber,
  MAX_PARTS_PER_RUN,
  partMetric,
  WELL_KNOWN_METRICS,
  type PartFields,
} from '@normwatch/protocol'
import { MAX_EXPONENT, endOf, largestWithin, powerOfTwo } from '../leaf/dyadic.ts'
import { Leaf, holds, splitFull } from '../leaf/leaf.ts'
import { mergeRows } from '../leaf/merge-rows.ts'
import { rowFrom, type Rows } from '../leaf/rows.ts'
import { emptyTally, isSameRule, tallyRows, type Stream, type Tally } from '../leaf/stream.ts'
import { summarise, type LeafSummary } from '../leaf/summary.ts'
import { TooManyMetrics, VersionConflict, type Judged, type Judgement, type StoredRun } from '../store.ts'
import { blockOf, blocksOf, leafKey, type EncodedLeaves } from './leaves.ts'
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
import { neighbours, NO_NEIGHBOURS } from './neighbours.ts'
import { splitByBlock, type LeafEdits } from './summaries.ts'
import type { TailBatch } from './tail.ts'

/** Bytes of leaves that one run may hold before they are written, whatever its tail says. */
export const MAX_LEAF_BYTES = 8 * 1024 * 1024
/** Readings in changed leaves from which on encoding them takes more than some milliseconds. */
const HEAVY_READINGS = 40_000
/** Metrics of a leaf of which the same holds, however few readings they have. */
const HEAVY_METRICS = 256
/** Metrics in `latest` besides the well-known ones. */
const MAX_OTHER_LATEST = 32
const wellKnown: ReadonlySet<string> = new Set(WELL_KNOWN_METRICS)

/**
 * A run that is being written: its row, and the leaves that its newest batches changed. What is here and not in the
 * leaves' table is in the tail, so that it may be dropped at any time between two transactions.
 */
export class CachedRun {
  readonly #tables: RunTables
  row: RunRow
  documents: RunDocuments
  readonly names: MetricNames
  /** Decoded leaves, ascending by start. */
  leaves: Leaf[] = []
  /** Starts of the stored leaves that a leaf here stands in for. */
  readonly replaced = new Set<number>()
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
    this.#tables = tables
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

  get bytes(): number {
    return this.leaves.reduce((sum, leaf) => sum + leaf.bytes, 0)
  }

  /** Whether writing the changed leaves takes so long that they are encoded ahead, in slices. */
  get isHeavy(): boolean {
    let readings = 0
    for (const { dirty, count, columns } of this.leaves) {
      if (!dirty || count === 0) continue
      readings += count * columns.size
      if (columns.size > HEAVY_METRICS || readings > HEAVY_READINGS) return true
    }
    return false
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
    this.count(this.#merge(rows, arrivedAt))
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
    this.#merge(rows, arrivedAt)
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

  #merge(rows: Rows, arrivedAt: number): Tally {
    const { streams } = this
    const tally = emptyTally(streams)
    for (let from = 0; from < rows.count;) {
      const step = rows.step[from] as number
      const leaf = this.leafFor(step)
      const isBehind = leaf.count === 0 || step > (leaf.step[leaf.count - 1] as number)
      this.#supersede(leaf)
      if (isBehind && leaf.count >= leaf.limit) {
        leaf.shrink()
        if (!holds(leaf, step)) continue
      }
      const room = isBehind && leaf.count < leaf.limit ? leaf.limit - leaf.count : Infinity
      const to = Math.min(rowFrom(rows, endOf(leaf)), from + room)
      const kept = isBehind ? leaf.count : 0
      if (!isBehind) tallyRows(tally, leaf, streams, -1)
      mergeRows(leaf, rows, from, to, arrivedAt / 1000)
      tallyRows(tally, leaf, streams, 1, kept)
      if (leaf.count > leaf.limit) this.leaves.splice(this.leaves.indexOf(leaf), 1, ...splitFull(leaf))
      if (this.bytes > MAX_LEAF_BYTES) this.writeLeaves()
      from = to
    }
    return tally
  }

  /** The leaf is about to change: its stored form no longer counts. */
  #supersede(leaf: Leaf): void {
    if (!leaf.dirty) this.replaced.add(leaf.start)
    leaf.dirty = true
  }

  /** The leaf whose interval holds the step: a cached one, a stored one, or a new one. */
  leafFor(step: number): Leaf {
    let at = this.leaves.length
    while (at > 0 && (this.leaves[at - 1] as Leaf).start > step) at--
    const below = this.leaves[at - 1]
    if (below !== undefined && holds(below, step)) return below
    const stored =
      below !== undefined && this.#isNewest(below)
        ? NO_NEIGHBOURS
        : neighbours(this.#tables.summaries, this.row.key, step, this.replaced)
    let leaf: Leaf
    if (stored.below !== undefined && holds(stored.below, step)) {
      leaf = this.#tables.leaves.load(this.row.key, stored.below)
    } else {
      const from = Math.max(below ? endOf(below) : 0, stored.below ? endOf(stored.below) : 0)
      const above = this.leaves[at]?.start ?? Infinity
      const to = Math.min(above, stored.above?.start ?? Infinity, powerOfTwo(MAX_EXPONENT))
      leaf = new Leaf(largestWithin(step, from, to))
    }
    this.leaves.splice(at, 0, leaf)
    return leaf
  }

  /** Whether no stored leaf starts above this one: it holds the last step. */
  #isNewest({ step, count }: Leaf): boolean {
    return count > 0 && (step[count - 1] as number) >= (this.row.lastStep ?? 0)
  }

  /** Drops the points after `last` of the leaf that holds `step`, which is one of those kept. */
  cutLeaf(step: number, last: number): void {
    const leaf = this.leafFor(step)
    this.#supersede(leaf)
    leaf.cut(rowFrom(leaf, last + 1))
  }

  /** Drops a stored leaf. */
  dropLeaf(start: number): void {
    this.replaced.add(start)
    this.leaves = this.leaves.filter((leaf) => leaf.start !== start)
  }

  /** Summaries of the leaves here that differ from their stored form. */
  changedSummaries(): LeafSummary[] {
    return this.#changedLeaves().map((leaf) => summarise(leaf, this.streams))
  }

  #changedLeaves(): Leaf[] {
    return this.leaves.filter(({ dirty, count }) => dirty && count > 0)
  }

  /** The leaves that are to be written; full ones are narrowed to their points. */
  leavesToWrite(): Leaf[] {
    const changed = this.#changedLeaves()
    for (const leaf of changed) if (leaf.count >= leaf.limit) leaf.shrink()
    return changed
  }

  /** How the directory and the summaries change when these leaves are written. */
  editsWith(leaves: readonly Leaf[]): LeafEdits {
    return {
      removed: new Set(this.replaced),
      added: leaves.map((leaf) => splitByBlock(summarise(leaf, this.streams))),
      isChanged: blocksChanged(leaves),
    }
  }

  /** Whether these are the leaves that are to be written now, in the place of the same ones. */
  isAsEncoded({ version, leaves, edits }: EncodedLeaves): boolean {
    const now = this.leavesToWrite()
    return (
      version === this.row.version &&
      now.length === leaves.size &&
      now.every((leaf) => leaves.has(leafKey(leaf))) &&
      this.replaced.size === edits.removed.size &&
      [...this.replaced].every((start) => edits.removed.has(start))
    )
  }

  /** Writes what changed and keeps the newest leaf in memory, since the next batch most likely continues it. */
  writeLeaves(encoded?: EncodedLeaves): void {
    const { key } = this.row
    const { leaves, summaries } = this.#tables
    const changed = this.leavesToWrite()
    const edits = encoded?.edits ?? this.editsWith(changed)
    const staying = new Set(changed.filter((leaf) => leaves.stays(leaf)).map(({ start }) => start))
    for (const start of this.replaced) if (!staying.has(start)) leaves.remove(key, start)
    for (const leaf of changed) leaves.write(key, leaf, encoded?.leaves.get(leafKey(leaf)))
    for (const block of this.blocks) {
      const pages = encoded?.pages.get(block) ?? summaries.editsOf(key, block, edits, this.names.size)
      summaries.edit(key, block, pages)
    }
    for (const leaf of this.leaves) {
      leaf.dirty = false
      leaf.changed = new Set()
    }
    this.replaced.clear()
    this.leaves = this.leaves.slice(-1).filter(({ count }) => count > 0)
  }

  /** Numbers of the blocks in which the metrics of the run are stored. */
  get blocks(): number[] {
    return blocksOf(Array.from({ length: this.names.size }, (_, metric) => metric))
  }
}

/** Whether a leaf that starts there differs in a block; the directory, which is block 0, always counts as changed. */
function blocksChanged(leaves: readonly Leaf[]): (start: number, block: number) => boolean {
  const known = new Map<number, ReadonlySet<number>>()
  for (const { start, changed } of leaves) {
    if (changed !== undefined) known.set(start, new Set([0, ...Array.from(changed, blockOf)]))
  }
  return (start, block) => known.get(start)?.has(block) ?? true
}

/** Without a prototype, so that a metric may have any name. */
function latestOf(json: string): Latest {
  return Object.assign(Object.create(null) as Latest, JSON.parse(json))
}
