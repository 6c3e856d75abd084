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
  readonly isOnset: boolean
  /** What stands beside it: the label, or how many there are. */
  readonly label: string
  /** Where that stands, and how wide it may be, in per cent of the width; `null` where there is no room. */
  readonly place: LabelPlace | null
  readonly title: string
}

export interface LabelPlace {
  readonly side: 'before' | 'after'
  readonly room: number
}

/** The label of the step where a finding began. */
export const ONSET = 'onset'

/** Shapes by what a label says; all others have `OTHER`. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/^onset$/, '◣'],
  [/resumed|restored/i, '▶'],
  [/^checkpoint/i, '■'],
  [/^(cap|lr|stage|batch size)\b/i, '▲'],
]
const OTHER = '◆'
const shapeOf = (label: string) => SHAPES.find(([says]) => says.test(label))?.[1] ?? OTHER

/** Pixels that a finger or pointer needs: marks that are closer to each other are one. */
const APART = 24
/** Pixels that a label needs beside its mark. */
const LABEL = 84
/** Events that a mark names; of more it says how many. */
const NAMED = 3

/** The events between both ends of an axis of `width` pixels as marks with their names; `events` are in step order. */
export function eventMarks(
  events: readonly Named[],
  toX: (step: number) => number,
  { min, max }: { readonly min: number; readonly max: number },
  width: number,
): EventMark[] {
  const percent = (pixels: number) => (100 * pixels) / width
  const marks: { left: number; events: Named[] }[] = []
  for (const event of events) {
    const left = (100 * (toX(event.step) - min)) / (max - min)
    if (!(left >= 0 && left <= 100)) continue
    const before = marks.at(-1)
    if (before !== undefined && left - before.left < percent(APART)) before.events.push(event)
    else marks.push({ left, events: [event] })
  }
  const places = labelPlaces(
    marks.map(({ left }) => left),
    percent(LABEL),
  )
  return marks.map(({ left, events: own }, i) => {
    const { step, label } = own[0] as Named
    const isOnset = own.some((event) => event.label === ONSET)
    const isOneKind = own.every((event) => event.label === label)
    return {
      left,
      step,
      shape: isOnset ? shapeOf(ONSET) : isOneKind ? shapeOf(label) : OTHER,
      isOnset,
      label: labelOf(own),
      place: places[i] ?? null,
      title: titleOf(own),
    }
  })
}

/** A label stands after its mark, or before it where only there is room; then it shares that with the label before. */
function labelPlaces(marks: readonly number[], needed: number): (LabelPlace | null)[] {
  const places: (LabelPlace | null)[] = []
  for (const [i, left] of marks.entries()) {
    const after = (marks[i + 1] ?? 100) - left
    const before = left - (marks[i - 1] ?? 0)
    const isShared = places[i - 1]?.side === 'after'
    const room = isShared ? before / 2 : before
    if (after >= needed) places.push({ side: 'after', room: after })
    else if (room < needed) places.push(null)
    else {
      if (isShared) places[i - 1] = { side: 'after', room }
      places.push({ side: 'before', room })
    }
  }
  return places
}

/** `onset 700, lr changed`: where it began, then what was noted there. */
function labelOf(events: readonly Named[]): string {
  const onset = events.find(({ label }) => label === ONSET)
  const noted = events.filter(({ label }) => label !== ONSET)
  const [first] = noted
  const words: string[] = onset === undefined ? [] : [`onset ${group(onset.step)}`]
  if (first !== undefined) {
    const isOneKind = noted.every(({ label }) => label === first.label)
    const many = isOneKind ? `${noted.length}× ${first.label}` : counted(noted.length, 'event')
    words.push(noted.length === 1 ? first.label : many)
  }
  return words.join(', ')
}

function titleOf(events: readonly Named[]): string {
  const names = events
    .slice(0, NAMED)
    .map(({ step, label, text }) => `step ${group(step)}: ${label}${text ? `, ${text}` : ''}`)
  const rest = events.length - names.length
  return [...names, ...(rest > 0 ? [`and ${counted(rest, 'more event')}`] : [])].join('; ')
}
