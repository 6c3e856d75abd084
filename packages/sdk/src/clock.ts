import { monotonicNow } from './own-timers.ts'

/** A clock in Unix milliseconds that never jumps or goes back. It reads the wall clock once, at the start. */
export function steadyClock(wall: () => number, monotonic = monotonicNow): () => number {
  const offset = wall() - monotonic()
  return () => monotonic() + offset
}
