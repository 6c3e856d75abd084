/** The steps of a heat map on a straight axis: each stretch reaches to where the next one begins. */
export interface StepAxis {
  readonly first: number
  readonly end: number
  /** Where a step is, 0 to 1. */
  readonly shareOf: (step: number) => number
  /** The stretch at a place from 0 to 1. */
  readonly at: (share: number) => number
  /** Both ends of a stretch, 0 to 1. */
  readonly endsOf: (stretch: number) => readonly [from: number, to: number]
}

/** `step` has the first step of each stretch, ascending; the last one is as long as the one before. */
export function stepAxis(step: readonly number[], bucket: number): StepAxis {
  const first = step[0] ?? 0
  const last = step.at(-1) ?? 0
  const end = last + Math.max(bucket, last - (step.at(-2) ?? last - bucket))
  const shareOf = (at: number) => Math.min(1, Math.max(0, (at - first) / (end - first)))
  return {
    first,
    end,
    shareOf,
    at(share) {
      const next = step.findIndex((from) => from > first + share * (end - first))
      return Math.max(0, (next < 0 ? step.length : next) - 1)
    },
    endsOf: (stretch) => [shareOf(step[stretch] ?? end), shareOf(step[stretch + 1] ?? end)],
  }
}
