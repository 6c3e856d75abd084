import type { Finding } from '@normwatch/protocol'
import type { StepRange } from '#lib/api/client.ts'
import type { Span } from '#lib/chart/chart-spec.ts'
import { findingSpan, findingTitle } from '#lib/format/finding.ts'
import { coversAll } from '#lib/chart/range.ts'
import { onsetWords, storyOf } from '#lib/format/finding-story.ts'

/** A finding on the time line, in steps. */
export interface FindingSpan extends StepRange {
  readonly id: string
  /** What was found. */
  readonly name: string
  /** What was found, and when. */
  readonly title: string
  /** The step where it began, if that is known. */
  readonly onset: number | null
  readonly colour: Span['colour']
  readonly isOpen: boolean
  /** The part of the run that it speaks of. */
  readonly part: string | null
}

const COLOURS = { critical: 'flagged', warning: 'watch', info: 'info' } as const

/** The findings that have a place on the time line, from where they began; an open one reaches to the newest step. */
export function findingSpans(findings: readonly Finding[], newest: number): FindingSpan[] {
  return findings.flatMap((finding) => {
    const { id, severity, opened_step: opened, closed_step, state } = finding
    if (opened === null) return []
    const { onset, part } = storyOf(finding)
    const from = Math.min(opened, onset ?? opened)
    const where = part === null ? '' : ` in ${part}`
    const name = `${findingTitle(finding)}${where}`
    const title = `${name}, ${onsetWords(finding) || findingSpan(finding)}`
    const to = Math.max(opened, closed_step ?? (state === 'open' ? newest : opened))
    return [{ id, from, to, name, title, onset, colour: COLOURS[severity], isOpen: state === 'open', part }]
  })
}

/**
 * What of the record to zoom to so that a finding is seen with what came before and after it: half its length, at least 50 steps.
 * Less beside one that takes most of the record, whose zoom would show all of it.
 */
export function aroundSpan({ from, to }: StepRange, whole: StepRange): StepRange {
  const length = to - from
  const within = (margin: number): StepRange => ({
    from: Math.max(whole.from, from - margin),
    to: Math.min(whole.to, to + margin),
  })
  const around = within(Math.max(50, Math.ceil(length / 2)))
  return coversAll(around, whole) ? within(Math.ceil(length / 20)) : around
}

/** Where a span lies between two ends of an axis, in per cent of the width; `undefined` when it is out of sight. */
export function placeOf(
  from: number,
  to: number,
  min: number,
  max: number,
): { left: number; width: number } | undefined {
  if (max <= min || to < min || from > max) return undefined
  const percent = (x: number) => (100 * (Math.min(max, Math.max(min, x)) - min)) / (max - min)
  return { left: percent(from), width: percent(to) - percent(from) }
}

/** Rows that a lane has at most; what finds no room in them stands in the last one. */
const MOST_ROWS = 4

/** The row of each span, so that none covers another: each takes the first row that is free where it begins. */
export function rowsOfSpans(spans: readonly StepRange[]): ReadonlyMap<StepRange, number> {
  const ends: number[] = []
  const rows = new Map<StepRange, number>()
  for (const span of [...spans].sort((a, b) => a.from - b.from || b.to - a.to)) {
    const free = ends.findIndex((end) => end < span.from)
    const row = Math.min(free < 0 ? ends.length : free, MOST_ROWS - 1)
    ends[row] = Math.max(ends[row] ?? -1, span.to)
    rows.set(span, row)
  }
  return rows
}
