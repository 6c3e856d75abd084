import type { Around, AroundCheck, CauseRecord } from './cause.ts'
import { stepsBefore } from './figures.ts'

/** Events that are routine and change nothing by themselves. */
const ROUTINE = /^(checkpoint( saved)?|saved|eval(uation)?|validation)\b/i
/** What an SDK notes by itself because it saw it: these are consequences. */
const OBSERVED = /^(batch|non-finite gradients|ranks disagree)$/i
/** Events that change the training's state or how it steps. */
const WEIGHTY = /resum|restor|restart|load|cap changed|lr|learning rate|optimi[sz]er/i

/** An event was logged just before. */
export const notedEvent: CauseRecord = {
  title: 'Something was changed just before',
  seen: 'an event at most five points before the onset, other than a checkpoint saved, an evaluation, or what an SDK observed (`batch`, `non-finite gradients`, `ranks disagree`); heavier for a resumed run, a restored state, a changed cap, lr or optimizer',
  around,
}

/** Whether an event with this label may have changed the training. */
export const isChange = (label: string): boolean => !ROUTINE.test(label) && !OBSERVED.test(label)

function around({ onset, events }: Around): ReturnType<AroundCheck> {
  const event = events.filter(({ label }) => isChange(label)).at(-1)
  if (event === undefined) return undefined
  const text = event.text === null ? '' : ` (${event.text.slice(0, 200)})`
  return {
    weight: WEIGHTY.test(event.label) ? 0.7 : 0.5,
    because: `“${event.label}”${text} was noted at step ${event.step}, ${stepsBefore(onset - event.step)}.`,
    look_at: `What “${event.label}” changed: the data, the schedule, the state of the optimizer.`,
  }
}
