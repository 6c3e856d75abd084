import {
  MAX_METRICS_PER_RUN,
  MAX_METRIC_NAME_LENGTH,
  MAX_STEP,
  WELL_KNOWN_METRICS,
  type Clip,
  type MetricColumn,
  type PointColumns,
} from '@normwatch/protocol'
import type { Draft, ImportedRun } from './imported-run.ts'

interface Row {
  readonly step: number
  readonly time: number
  readonly readings: Map<string, number>
}

const KNOWN: ReadonlySet<string> = new Set(WELL_KNOWN_METRICS)

/**
 * Collects the rows of a log in the order they stand there and brings them into step order. Where the step goes back
 * and steps are logged again, the run was restarted from there: what the earlier attempt had from that step on is
 * dropped, as the training dropped it. Excerpts out of order that repeat nothing are only sorted.
 */
export class RunDraft implements Draft {
  clip: Clip | undefined
  readonly #segments: Row[][] = []
  readonly #notes = new Set<string>()
  readonly #metrics = new Set<string>()
  readonly #refused = new Set<string>()

  add(step: number, time: number, readings: Iterable<readonly [string, number]>): void {
    if (!Number.isInteger(step) || step < 0 || step > MAX_STEP) return
    const kept = new Map<string, number>()
    for (const [name, value] of readings) if (this.#accepts(name)) kept.set(name, value)
    if (kept.size === 0) return
    const segment = this.#segments.at(-1)
    const newest = segment?.at(-1)
    if (segment === undefined || newest === undefined || step < newest.step) {
      this.#segments.push([{ step, time, readings: kept }])
    } else if (step === newest.step) {
      // Two entries of one step: the second adds to the first.
      for (const [name, value] of kept) newest.readings.set(name, value)
    } else segment.push({ step, time, readings: kept })
  }

  note(sentence: string): void {
    this.#notes.add(sentence)
  }

  finish(name: string): ImportedRun {
    const rows = this.#inOrder()
    if (!this.#metrics.has('grad_norm')) this.note('This log has no gradient norms.')
    if (this.#refused.size > 0)
      this.note(
        `${this.#refused.size} metrics were left out: a run keeps at most ${MAX_METRICS_PER_RUN}, with names of at most ${MAX_METRIC_NAME_LENGTH} characters.`,
      )
    const clip = this.clip === undefined ? {} : { clip: this.clip }
    return { name, ...clip, points: toColumns(rows, this.#metrics), notes: [...this.#notes] }
  }

  #accepts(name: string): boolean {
    if (this.#metrics.has(name)) return true
    // The metrics that Normwatch knows always find room.
    const room = MAX_METRICS_PER_RUN - (KNOWN.has(name) ? 0 : KNOWN.size)
    if (name.length === 0 || name.length > MAX_METRIC_NAME_LENGTH || this.#metrics.size >= room) {
      this.#refused.add(name)
      return false
    }
    this.#metrics.add(name)
    return true
  }

  #inOrder(): Row[] {
    let rows: Row[] = []
    for (const segment of this.#segments) {
      const steps = new Set(segment.map(({ step }) => step))
      const from = (segment[0] as Row).step
      const isRestart = rows.some(({ step }) => steps.has(step))
      if (isRestart) {
        const kept = rows.filter(({ step }) => step < from)
        this.note(
          `The step goes back to ${from} and repeats: a restart. ${rows.length - kept.length} points of the attempt before were dropped.`,
        )
        rows = kept
      }
      rows = [...rows, ...segment]
    }
    return rows.sort((a, b) => a.step - b.step)
  }
}

function toColumns(rows: readonly Row[], names: ReadonlySet<string>): PointColumns {
  const metrics = new Map<string, MetricColumn>()
  for (const name of names) {
    const values = new Float64Array(rows.length)
    const present = new Uint8Array(rows.length)
    rows.forEach(({ readings }, i) => {
      const value = readings.get(name)
      if (value === undefined) return
      values[i] = value
      present[i] = 1
    })
    if (present.includes(1)) metrics.set(name, { values, present: present.includes(0) ? present : null })
  }
  return {
    step: Float64Array.from(rows, ({ step }) => step),
    time: Float64Array.from(rows, ({ time }) => time),
    metrics,
  }
}
