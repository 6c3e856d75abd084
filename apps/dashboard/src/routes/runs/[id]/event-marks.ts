import type { RunEvent } from '@normwatch/protocol'
import { counted, group } from '#lib/format/number.ts'

type Named = Pick<RunEvent, 'step' | 'label' | 'text'>

/** Events that stand so near each other on the time line that they are one mark. */
export interface EventMark {
  /** Where it is, in per cent of the width. */
  readonly left: number
  readonly step: number
  /** What kind of event it is, by its shape. */
  readonly shape: string
  /** What stands beside it where there is room: the label, or how many there are. */
  readonly label: string
  /** The room for that, in per cent of the width. */
  readonly room: number
  readonly title: string
}

/** Shapes by what a label says; all others have `OTHER`. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/resumed|restored/i, '▶'],
  [/^checkpoint/i, '■'],
  [/^(cap|lr|stage|batch size)\b/i, '▲'],
]
const OTHER = '◆'
const shapeOf = (label: string) => SHAPES.find(([says]) => says.test(label))?.[1] ?? OTHER

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
  return marks.map(({ left, events: own }, i) => {
    const { step, label } = own[0] as Named
    const isOneKind = own.every((event) => event.label === label)
    return {
      left,
      step,
      shape: isOneKind ? shapeOf(label) : OTHER,
      label: own.length === 1 ? label : isOneKind ? `${own.length}× ${label}` : counted(own.length, 'event'),
      room: (marks[i + 1]?.left ?? 100) - left,
      title: titleOf(own),
    }
  })
}

function titleOf(events: readonly Named[]): string {
  const names = events
    .slice(0, NAMED)
    .map(({ step, label, text }) => `step ${group(step)}: ${label}${text ? `, ${text}` : ''}`)
  const rest = events.length - names.length
  return [...names, ...(rest > 0 ? [`and ${counted(rest, 'more event')}`] : [])].join('; ')
}
