import { WELL_KNOWN_METRICS, encodeNumber } from '@normwatch/protocol'
import { NO_TALLY, addTally, clipRule, tallyRows, type ClipRule } from '../../leaf/clip-rule.ts'
import { MAX_EXPONENT, endOf, largestWithin, powerOfTwo } from '../../leaf/dyadic.ts'
import { Leaf, holds, splitFull } from '../../leaf/leaf.ts'
import { mergeRows } from '../../leaf/merge-rows.ts'
import { rowFrom, type Rows } from '../../leaf/rows.ts'
import { summarise, type LeafSummary } from '../../leaf/summary.ts'
import { VersionConflict, type Judged, type Judgement, type StoredRun } from '../../store.ts'
import type { Tables } from '../open-tables.ts'
import {
  attention,
  fixedParts,
  movingParts,
  type Latest,
  type RunDocuments,
  type RunRow,
} from '../runs/run-table.ts'
import { isLayer, type MetricNames } from './metric-names.ts'
import { neighbours } from './neighbours.ts'
import type { TailBatch } from './tail.ts'

/** Bytes of leaves that one run may hold before they are written, whatever its tail says. */
const MAX_LEAF_BYTES = 8 * 1024 * 1024
/** Metrics in `latest` besides the well-known ones. */
const MAX_OTHER_LATEST = 32
const wellKnown: ReadonlySet<string> = new Set(WELL_KNOWN_METRICS)

/**
 * A run that is being written: its row, and the leaves that its newest batches changed. What is here and not in the
 * leaves' table is in the tail, so that it may be dropped at any time between two transactions.
 */
export class CachedRun {
  readonly #tables: Tables
  row: RunRow
  documents: RunDocuments
  readonly names: MetricNames
  rule: ClipRule
  /** Decoded leaves, ascending by start. */
  leaves: Leaf[] = []
  /** Starts of the stored leaves that a leaf here stands in for. */
  readonly replaced = new Set<number>()
  /** The newest state of the detector that was given and is not written yet, as of the version `through`. */
  unsaved: { readonly state: string; readonly through: number } | undefined
  /** What has gathered in the tail since the leaves were written. */
  tail = { batches: 0, points: 0, bytes: 0 }
  #latest: Latest
  #fixed: ReturnType<typeof fixedParts>
  #conditions: Judgement['conditions']

  constructor(tables: Tables, row: RunRow, documents: RunDocuments, names: MetricNames) {
    this.#tables = tables
    this.row = row
    this.documents = documents
    this.names = names
    this.#latest = latestOf(row.latest)
    this.#conditions = JSON.parse(row.conditions) as Judgement['conditions']
    this.#fixed = fixedParts(row, documents)
    this.rule = clipRule(this.#fixed.clip)
  }

  get run(): StoredRun {
    return { ...this.#fixed, ...movingParts(this.row, this.#latest, this.#conditions) }
  }

  get bytes(): number {
    return this.leaves.reduce((sum, leaf) => sum + leaf.bytes, 0)
  }

  /** Begins a unit, which must have been judged upon the version there is. Throws `VersionConflict`. */
  begin(judged?: Judged): void {
    const { id, version } = this.row
    if (judged !== undefined && judged.version !== version) {
      throw new VersionConflict(id, judged.version, version)
    }
    this.row.version = version + 1
  }

  /** Takes over what judging this unit came to. */
  note({ judgement, state }: Judged): void {
    this.#judge(judgement)
    if (state !== undefined) this.unsaved = { state, through: this.row.version }
  }

  /** Puts changed fields in place of the old ones. */
  change(fields: Partial<RunRow>, documents: RunDocuments = this.documents): void {
    this.row = { ...this.row, ...fields }
    this.row.attention = attention(this.row.health, this.row.status)
    this.documents = documents
    this.#fixed = fixedParts(this.row, documents)
    this.rule = clipRule(this.#fixed.clip)
  }

  #judge({ health, conditions, clipping }: Judgement): void {
    this.#conditions = conditions
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
    const totals = this.#merge(rows, arrivedAt)
    this.row.points += totals.points
    this.row.nonfinite += totals.nonfinite
    this.row.over += totals.over
    this.row.judged += totals.judged
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

  /** Looks up anew which reading of each metric in `latest` is its newest. */
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
    if (wellKnown.has(name)) return true
    return Object.keys(this.#latest).filter((other) => !wellKnown.has(other)).length < MAX_OTHER_LATEST
  }

  #merge(rows: Rows, arrivedAt: number) {
    const { known } = this.names
    const totals = { ...NO_TALLY }
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
      if (!isBehind) addTally(totals, tallyRows(leaf, known, this.rule), -1)
      mergeRows(leaf, rows, from, to, arrivedAt / 1000)
      addTally(totals, tallyRows(leaf, known, this.rule, kept), 1)
      if (leaf.count > leaf.limit) this.leaves.splice(this.leaves.indexOf(leaf), 1, ...splitFull(leaf))
      if (this.bytes > MAX_LEAF_BYTES) this.writeLeaves()
      from = to
    }
    return totals
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
    const stored = neighbours(this.#tables.summaries, this.row.key, step, this.replaced)
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
    return this.leaves
      .filter(({ dirty, count }) => dirty && count > 0)
      .map((leaf) => summarise(leaf, this.names.known, this.rule))
  }

  /** Writes what changed and keeps the newest leaf in memory, since the next batch most likely continues it. */
  writeLeaves(): void {
    const { key } = this.row
    for (const leaf of this.leaves) if (leaf.dirty && leaf.count >= leaf.limit) leaf.shrink()
    for (const start of this.replaced) this.#tables.leaves.remove(key, start)
    const added = this.changedSummaries()
    for (const leaf of this.leaves) {
      if (leaf.dirty && leaf.count > 0) this.#tables.leaves.write(key, leaf)
      leaf.dirty = false
    }
    this.#tables.summaries.edit(key, this.names.size, this.replaced, added)
    this.replaced.clear()
    this.leaves = this.leaves.slice(-1).filter(({ count }) => count > 0)
  }
}

/** Without a prototype, so that a metric may have any name. */
function latestOf(json: string): Latest {
  return Object.assign(Object.create(null) as Latest, JSON.parse(json))
}
