import { MAX_STEP, type PartFields, type Series, type SeriesReply } from '@normwatch/protocol'
import { othersTurns } from '../../in-slices.ts'
import { drawSeries, frameOf, spansOf, type ChartFrame } from '../leaf/chart.ts'
import { pointsStoredTogether } from '../leaf/leaf.ts'
import { stepsBetweenTimes, type RunRecord } from '../leaf/record.ts'
import type { FindingChange, FindingStore, PointStore, SeriesQuery } from '../store.ts'
import { DamagedPoints } from './damage.ts'
import { pastFindings } from '../past-findings.ts'
import type { HeavyUnits } from './heavy-units.ts'
import type { RunTables } from './run-tables.ts'
import type { CachedRun } from './cached-run.ts'
import { extentOf } from './extent.ts'
import { readBlocks, readReadings, readStretches, type Read } from './read-blocks.ts'
import { recount } from './recount.ts'
import { retotal } from './totals.ts'
import { recordOf } from './record-of.ts'
import { decodeLosses, decodeNorms } from './stretches.ts'
import { Unpacker } from './unpacker.ts'

/** The points of runs, whatever engine keeps their rows. */
export function openPoints(units: HeavyUnits): PointStore {
  const read = <T>(id: string, work: (tables: RunTables, cached: CachedRun) => T): Promise<T> =>
    units.read(id, (tables, cache) => {
      const value = ofRun(id, () => work(tables, cache.open(id)))
      cache.trim()
      return value
    })
  const unpacker = new Unpacker()

  return {
    append: ({ run, columns, arrivedAt, newParts = [], ...judged }) =>
      units.append(run, (tables, cache) =>
        ofRun(run, () => {
          const cached = cache.open(run)
          const missing = cached.names.missing(columns.metrics.keys())
          cached.refuseParts(newParts)
          cached.begin(judged)
          const parts = newParts.length === 0 ? undefined : cached.declare(partsNamed(newParts))
          tables.metrics.add(cached.row.key, cached.names, missing)
          const batch = { seq: cached.row.version, arrivedAt, rows: cached.names.numbered(columns) }
          cache.touch(cached, batch)
          cached.accept(batch)
          if (parts !== undefined && parts.recount.length > 0) {
            recount(tables, cache, cached, parts.recount, undefined)
            retotal(tables, cached)
          }
          if (parts?.isJudgedAgain === true) tables.detections.markStale(cached.row.key)
          cached.note(judged)
          tables.recordChanges(cached, judged.changes)
          return cached.run
        }),
      ),

    detection: (run) =>
      read(run, (tables, cached) => {
        const { row, names } = cached
        const { state, through, stale } = tables.detections.get(row.key)
        if (stale === 1) return { run: cached.run, stale: true, state: undefined, since: [] }
        const since = tables.tail
          .behind(row.key, through)
          .map(({ arrivedAt, rows }) => ({ arrivedAt, columns: names.named(rows) }))
        return { run: cached.run, stale: false, state: state ?? undefined, since }
      }),

    rejudge: (run, judged) =>
      units.write(run, (tables, cache) => {
        const cached = cache.open(run)
        cached.begin(judged)
        cache.touch(cached)
        cached.note(judged)
        tables.recordChanges(cached, judged.changes, withoutPast(judged.changes))
        const saved = tables.detections.get(cached.row.key)
        tables.detections.save(cached.row.key, { ...saved, stale: 0 })
        cache.writeOut(cached)
        return cached.run
      }),

    series: (query) => seriesInTurns(query, (work) => read(query.run, work)),

    read: (run, range) => readBlocks(range, (work) => read(run, work)),

    readings: (run, metric, range) => readReadings(metric, range, (work) => read(run, work), unpacker),

    norms: (run, metric, range) =>
      readStretches(metric, range, (work) => read(run, work), unpacker, decodeNorms),

    losses: (run, metric) =>
      readStretches(
        metric,
        {},
        (work) => read(run, work),
        unpacker,
        (blobs, { start }) => {
          const sums = decodeLosses(blobs)
          return sums && { start, sums }
        },
      ),

    extent: (run, metrics) => extentOf(metrics, (work) => read(run, work)),

    metrics: (run) => read(run, (_, { names }) => names.all.toSorted()),
  }
}

/** Records changes of findings that no batch brought; channels are not notified of those that open and close in it. */
export const recordFindings =
  (units: HeavyUnits): FindingStore['record'] =>
  (run, judged) =>
    units.write(run, (tables, cache) => {
      const cached = cache.open(run)
      cached.begin(judged)
      cache.touch(cached)
      cached.note(judged)
      tables.recordChanges(cached, judged.changes, withoutPast(judged.changes))
      cache.writeOut(cached)
      return cached.run
    })

/** Most metrics of a chart that are drawn before others get their turn; and leaves and buckets of all of them: some milliseconds. */
const METRICS_A_TURN = 32
const DRAWN_A_TURN = 50_000

/** The first turn fixes the steps and the buckets; points that arrive between the turns may be in the later series only. */
async function seriesInTurns(query: SeriesQuery, read: Read): Promise<SeriesReply> {
  const { metrics } = query
  const drawn: [string, Series][] = []
  for (let known: ChartFrame | undefined; ; await othersTurns()) {
    const turn = await read((tables, cached) =>
      draw(tables, cached, query, metrics.slice(drawn.length), known),
    )
    drawn.push(...turn.drawn)
    // assigning would drop a metric named __proto__
    if (drawn.length === metrics.length) return { ...turn.frame, series: Object.fromEntries(drawn) }
    known = turn.frame
  }
}

/** Draws the first of these metrics. */
function draw(
  tables: RunTables,
  cached: CachedRun,
  query: SeriesQuery,
  metrics: readonly string[],
  known: ChartFrame | undefined,
): { frame: ChartFrame; drawn: [string, Series][] } {
  const { row, names } = cached
  const leaves = row.points / pointsStoredTogether(names.size)
  const count = Math.max(1, Math.min(METRICS_A_TURN, Math.floor(DRAWN_A_TURN / (leaves + query.maxPoints))))
  const here = metrics.slice(0, count).map((name) => ({ name, number: names.number(name) }))
  const numbers = here.map(({ number }) => number).filter((number) => number !== undefined)
  const byTime = known === undefined && (query.fromTime !== undefined || query.toTime !== undefined)
  const { from = 0, to = MAX_STEP } = byTime ? {} : (known ?? query)
  const record = recordOf(tables, cached, numbers, from, to)
  const range = known ?? (byTime ? rangeOf(record, query) : query)
  const spans = spansOf(record, range)
  const frame = known ?? frameOf(record, spans, range, query.maxPoints)
  return { frame, drawn: drawSeries(record, spans, here, frame.bucket) }
}

const rangeOf = (record: RunRecord, { fromTime = -Infinity, toTime = Infinity }: SeriesQuery) =>
  stepsBetweenTimes(record, fromTime, toTime) ?? { from: 0, to: -1 }

/** The changes without findings that open and close at once: nobody is alerted of what is already over. */
function withoutPast(changes: readonly FindingChange[]): FindingChange[] {
  const past = pastFindings(changes)
  return changes.filter((change) => change.type === 'closed' || !past.has(change.finding.id))
}

/** Parts of which only the names are known. */
const partsNamed = (names: readonly string[]): Record<string, PartFields> =>
  Object.fromEntries(names.map((name) => [name, {}]))

/** Reads or changes one run; an error of its points names it. */
function ofRun<T>(run: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof DamagedPoints)) throw error
    throw new DamagedPoints({ run, step: error.step }, { cause: error })
  }
}
