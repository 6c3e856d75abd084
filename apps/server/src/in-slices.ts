import { setImmediate as nextTurn } from 'node:timers/promises'

/** Milliseconds of work after which others get their turn. */
const SLICE_MS = 2
/** Turns that others get, at the most, and the milliseconds of a turn in which none of them had anything to do. */
const MOST_TURNS = 8
const IDLE_MS = 0.1

/** Does work that says with `yield` where it may be interrupted, in slices between which others are served. */
export async function inSlices<T>(work: Generator<unknown, T>): Promise<T> {
  let began = performance.now()
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
    if (performance.now() - began < SLICE_MS) continue
    await othersTurns()
    began = performance.now()
  }
}

/** A request takes several turns: it should not wait for a slice in each of them. */
async function othersTurns(): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const began = performance.now()
    await nextTurn()
    if (performance.now() - began < IDLE_MS) return
  }
}
