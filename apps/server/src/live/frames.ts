import {
  encodeNumber,
  hasTimes,
  LAYER_PREFIX,
  type Finding,
  type GapReason,
  type LiveFrame,
  type PointColumns,
  type WireNumber,
} from '@normwatch/protocol'
import type { ListedRun } from '../storage/store.ts'
import { toRun } from '../storage/to-wire.ts'
import type { LiveEvent } from './recent-events.ts'

/** Readings that one frame may hold; a reader that missed more is told to fetch. */
const MAX_READINGS = 400_000

type PointsEvent = Extract<LiveEvent, { type: 'points' }>

/**
 * The frames that tell of these events, oldest first: neighbouring batches are merged into one. `undefined` when they
 * are too many for frames. `metrics`: those watched; `undefined` stands for all but the layers.
 */
export function eventFrames(
  run: string,
  events: readonly LiveEvent[],
  metrics: readonly string[] | undefined,
): string[] | undefined {
  const frames: string[] = []
  let batches: PointsEvent[] = []
  const flush = () => {
    const last = batches.at(-1)
    if (last === undefined) return true
    const columns = mergedColumns(
      batches.filter(({ columns: { step } }) => step.length > 0),
      metrics,
    )
    batches = []
    if (columns === undefined) return false
    const head = JSON.stringify({ type: 'points', run, seq: seqOf(last) }).slice(0, -1)
    frames.push(`${head},"columns":${columns}}`)
    return true
  }
  const next = new Map(events.map((event, i) => [event, events[i + 1]]))
  // a reader that got only a part of what has one number comes back before that number
  const seqOf = (event: LiveEvent) => (next.get(event)?.seq === event.seq ? event.seq - 1 : event.seq)
  for (const event of events) {
    if (event.type === 'points') {
      batches.push(event)
      continue
    }
    if (!flush()) return undefined
    frames.push(
      event.type === 'finding'
        ? findingFrame(seqOf(event), event.finding)
        : frame({ type: 'event', run, seq: seqOf(event), event: event.event }),
    )
  }
  return flush() ? frames : undefined
}

export function runFrame(seq: number, run: ListedRun): string {
  return JSON.stringify({ type: 'run', seq, run: toRun(run) })
}

export function findingFrame(seq: number, finding: Finding): string {
  return frame({ type: 'finding', seq, finding })
}

export function gapFrame(run: string, reason: GapReason): string {
  return frame({ type: 'gap', run, reason })
}

export function errorFrame(code: string, message: string): string {
  return frame({ type: 'error', code, message })
}

function frame(content: LiveFrame): string {
  return JSON.stringify(content)
}

/** The columns of neighbouring batches as one, in JSON; `undefined` when they are too many for a frame. */
function mergedColumns(
  batches: readonly PointsEvent[],
  metrics: readonly string[] | undefined,
): string | undefined {
  const names = [...new Set(metrics ?? batches.flatMap(({ columns }) => plainMetrics(columns)))]
  const rows = batches.reduce((sum, { columns }) => sum + columns.step.length, 0)
  if (rows * names.length > MAX_READINGS) return undefined
  const known = names.filter((name) => batches.some(({ columns }) => columns.metrics.has(name)))
  const lists = known.map(
    (name) => `${JSON.stringify(name)}:[${batches.map((batch) => readingsOf(batch, name)).join()}]`,
  )
  const step = batches.map(({ columns, texts }) => texts?.get('step') ?? columns.step.join()).join()
  const time = batches.map(timesOf).join()
  return `{${[`"step":[${step}]`, `"time":[${time}]`, ...lists].join()}}`
}

/** The readings of a batch as a list in JSON, without its brackets. */
function readingsOf({ columns, texts }: PointsEvent, name: string): string {
  const column = columns.metrics.get(name)
  if (column === undefined) return 'null,'.repeat(columns.step.length).slice(0, -1)
  const sent = texts?.get(name)
  if (sent !== undefined) return sent
  const { values, present } = column
  const readings = Array.from(values, (value, row): WireNumber | null =>
    present === null || present[row] === 1 ? encodeNumber(value) : null,
  )
  return JSON.stringify(readings).slice(1, -1)
}

/** Most batches have no times of their own: the time of arrival is written as text once, not for each step. */
function timesOf({ columns: { time }, arrivedAt }: PointsEvent): string {
  const arrival = String(arrivedAt / 1000)
  if (!hasTimes(time)) return `${arrival},`.repeat(time.length).slice(0, -1)
  return Array.from(time, (at) => (Number.isNaN(at) ? arrival : at)).join()
}

function plainMetrics(columns: PointColumns): string[] {
  return [...columns.metrics.keys()].filter((name) => !name.startsWith(LAYER_PREFIX))
}
