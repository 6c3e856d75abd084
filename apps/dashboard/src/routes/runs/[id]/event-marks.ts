import type { RunEvent } from '@normwatch/protocol'
import { counted, group } from '#lib/format/number.ts'

type Named = Pick<RunEvent, 'step' | 'label' | 'text'>

/** Events that stand so near each other on the time line that they are one mark. */
export interface EventMark {
  /** Where it is, in per cent of the width. */
  readonly left: number
  readonly step: number
  readonly title: string
}

/** Marks closer than this, in per cent of the width, are one. */
const APART = 0.8
/** Events that a mark names; of more it says how many. */
const NAMED = 3

/** The events between both ends of the axis as marks with their names, in step order. */
export function eventMarks(
  events: readonly Named[],
  toX: (step: number) => number,
  { min, max }: { readonly min: number; readonly max: number },
): EventMark[] {
  const marks: { left: number; events: Named[] }[] = []
  for (const event of events) {
    const left = (100 * (toX(event.step) - min)) / (max - min)
    if (!(left >= 0 && left <= 100)) continue
    const before = marks.at(-1)
    if (before !== undefined && left - before.left < APART) before.events.push(event)
    else marks.push({ left, events: [event] })
  }
  return marks.map(({ left, events: own }) => ({
    left,
    step: (own[0] as Named).step,
    title: titleOf(own),
  }))
}

function titleOf(events: readonly Named[]): string {
  const names = events
    .slice(0, NAMED)
    .map(({ step, label, text }) => `step ${group(step)}: ${label}${text ? `, ${text}` : ''}`)
  const rest = events.length - names.length
  return [...names, ...(rest > 0 ? [`and ${counted(rest, 'more event')}`] : [])].join('; ')
}
