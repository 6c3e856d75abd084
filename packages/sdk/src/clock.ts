/** A clock of Unix milliseconds that neither jumps nor goes back: the wall clock is asked once, so setting it changes nothing. */
export function steadyClock(wall: () => number, monotonic = () => performance.now()): () => number {
  const offset = wall() - monotonic()
  return () => monotonic() + offset
}
