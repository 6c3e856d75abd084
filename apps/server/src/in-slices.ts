import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds of work after which others get their turn. */
const SLICE_MS = 1
/** The most milliseconds for which the next slice waits while a short request is answered. */
const MOST_REST_MS = 4
/** Milliseconds after which a short request is taken for one that waits for something else than the processor. */
const SHORT_MS = 4

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

/** The same for work that awaits in between: what is returned is to be awaited where it may be interrupted. */
export function pauses(): () => Promise<void> {
  let began = performance.now()
  return async () => {
    if (performance.now() - began < SLICE_MS) return
    await othersTurns()
    began = performance.now()
  }
}

let lastRest = Promise.resolve()

/**
 * Lets others be served before the next slice. All long work waits in one queue, so that a request waits for one slice at the
 * most, however many there are.
 */
export function othersTurns(): Promise<void> {
  return (lastRest = lastRest.then(rest))
}

/** A request takes several turns, and waits for the disk in between: it should not wait for a slice in each of them. */
async function rest(): Promise<void> {
  const began = performance.now()
  await nextTurn()
  while (isOneAnswered() && performance.now() - began < MOST_REST_MS) await sleep(1)
}

/** When each short request began that is being answered, the oldest first. */
const answered = new Map<object, number>()

export function shortRequestBegins(request: object): void {
  dropLate()
  answered.set(request, performance.now())
}

export function requestEnds(request: object): void {
  answered.delete(request)
}

function isOneAnswered(): boolean {
  dropLate()
  return answered.size > 0
}

/** Also those whose clients have gone, of which nobody says that they end. */
function dropLate(): void {
  const now = performance.now()
  for (const [request, began] of answered) {
    if (now - began < SHORT_MS) return
    answered.delete(request)
  }
}
