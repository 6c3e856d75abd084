/** Long work that stops after each slice of some milliseconds, so that whoever drives it can let others work between two. */
export type InSlices<T> = Generator<undefined, T, undefined>

/** Does all slices at once. */
export function atOnce<T>(work: InSlices<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}
