import { setImmediate as nextTurn } from 'node:timers/promises'

/** Milliseconds of work after which others get their turn. */
const SLICE_MS = 2

/** Does work that says with `yield` where it may be interrupted, in slices between which others are served. */
export async function inSlices<T>(work: Generator<unknown, T>): Promise<T> {
  let began = performance.now()
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
    if (performance.now() - began < SLICE_MS) continue
    await nextTurn()
    began = performance.now()
  }
}
