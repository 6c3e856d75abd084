import type { Interval } from '../leaf/dyadic.ts'
import { LEAF } from '../leaf/summary-page.ts'
import type { StoredPage, SummaryTable } from './summaries.ts'

/** Where the leaves of a run are looked up. */
export type Directory = Pick<SummaryTable, 'pageFor' | 'before' | 'after'>

export interface Neighbours {
  readonly below: Interval | undefined
  readonly above: Interval | undefined
}

export const NO_NEIGHBOURS: Neighbours = { below: undefined, above: undefined }

/**
 * Around a step: the stored leaf that starts at or below it, and the next one above; leaves whose start is
 * among `ignored` do not count.
 */
export function neighbours(
  summaries: Directory,
  run: number,
  step: number,
  ignored: ReadonlySet<number>,
): Neighbours {
  const here = summaries.pageFor(run, step)
  return {
    below: leafBelow(summaries, run, step, here, ignored),
    above: leafAbove(summaries, run, step, here, ignored),
  }
}

function leafBelow(
  summaries: Directory,
  run: number,
  step: number,
  here: StoredPage,
  ignored: ReadonlySet<number>,
): Interval | undefined {
  for (let place: StoredPage | undefined = here; place; place = summaries.before(run, place.first)) {
    const { page } = place
    for (let at = page.lastFrom(step); at >= 0; at--) {
      const start = page.leaf(at, LEAF.start)
      if (!ignored.has(start)) return { start, exponent: page.leaf(at, LEAF.exponent) }
    }
  }
  return undefined
}

function leafAbove(
  summaries: Directory,
  run: number,
  step: number,
  here: StoredPage,
  ignored: ReadonlySet<number>,
): Interval | undefined {
  for (let place: StoredPage | undefined = here; place; place = summaries.after(run, place.first)) {
    const { page } = place
    for (let at = page.lastFrom(step) + 1; at < page.count; at++) {
      const start = page.leaf(at, LEAF.start)
      if (!ignored.has(start)) return { start, exponent: page.leaf(at, LEAF.exponent) }
    }
  }
  return undefined
}
