import {
  encodeNumber,
  LAYER_PREFIX,
  type Finding,
  type GapReason,
  type ListedRun,
  type LiveFrame,
  type PointColumns,
  type Run,
  type WireNumber,
} from '@normwatch/protocol'
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
    const columns = mergedColumns(batches, metrics)
    batches = []
    if (columns === undefined) return false
    frames.push(JSON.stringify({ type: 'points', run, seq: seqOf(last), columns }))
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

/** Frames of the list leave the run's config out. */
export function runFrame(seq: number, run: Run | ListedRun): string {
  return JSON.stringify({ type: 'run', seq, run })
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

function mergedColumns(
  batches: readonly PointsEvent[],
  metrics: readonly string[] | undefined,
): Record<string, (WireNumber | null)[]> | undefined {
  const names = metrics ?? [...new Set(batches.flatMap(({ columns }) => plainMetrics(columns)))]
  const rows = batches.reduce((sum, { columns }) => sum + columns.step.length, 0)
  if (rows * names.length > MAX_READINGS) return undefined
  // Without a prototype a metric may have any name.
  const merged = Object.create(null) as Record<string, (WireNumber | null)[]>
  merged['step'] = batches.flatMap(({ columns }) => Array.from(columns.step))
  merged['time'] = batches.flatMap(({ columns, arrivedAt }) =>
    Array.from(columns.time, (time) => (Number.isNaN(time) ? arrivedAt / 1000 : time)),
  )
  for (const name of names) {
    if (!batches.some(({ columns }) => columns.metrics.has(name))) continue
    const readings = new Array<WireNumber | null>(rows).fill(null)
    let row = 0
    for (const { columns } of batches) {
      const column = columns.metrics.get(name)
      if (column !== undefined) {
        const { values, present } = column
        for (let i = 0; i < values.length; i++) {
          if (present === null || present[i] === 1) readings[row + i] = encodeNumber(values[i] as number)
        }
      }
      row += columns.step.length
    }
    merged[name] = readings
  }
  return merged
}

function plainMetrics(columns: PointColumns): string[] {
  return [...columns.metrics.keys()].filter((name) => !name.startsWith(LAYER_PREFIX))
}
