/**
 * Timers as they are when the package is loaded. Tests of a training that replace the global ones later (`useFakeTimers`) do
 * not stop the sending, and `finish` resolves.
 */
export const startTimer = globalThis.setTimeout
export const stopTimer = globalThis.clearTimeout
const { performance } = globalThis
const readClock = performance.now

/** Milliseconds of a clock that never jumps or goes back. */
export const monotonicNow = (): number => readClock.call(performance)
