import type { LayersReply } from '@normwatch/protocol'

/** A layer that left the band in which it was before a step. */
export interface MovedLayer {
  readonly layer: string
  /** The first step of the bucket in which it had left. */
  readonly step: number
  /** Its median norm from then on as a multiple of that before. */
  readonly ratio: number
}

/** Buckets before the onset that make a band, and readings in a row that have left it. */
const BEFORE = 4
const STAYS_OUT = 3
/** Robust deviations around the median, of the logarithm; and the least factor that counts as moved. */
const BAND = 4
const LEAST = Math.log(1.5)
/** A normal standard deviation is 1.4826 median absolute deviations. */
const ROBUST_SD = 1.4826

/**
 * The layers that left their earlier band around a step and stayed out, the first ones first, among equals the ones that
 * moved most. The band is the median of the log norm before the step, four robust deviations wide to each side and at least a
 * factor of 1.5. Looked for from a tenth of the record before the step on. Empty with fewer than four buckets before that.
 */
export function movedLayers(map: LayersReply, onset: number): MovedLayer[] {
  const lead = Math.max(map.bucket, (map.to - map.from) / 10)
  const start = map.step.findIndex((step) => step + map.bucket > onset - lead)
  if (start < BEFORE) return []
  return map.layers
    .flatMap((layer, i) => {
      const logs = (map.values[i] ?? []).map((norm) =>
        norm === null || norm <= 0 ? undefined : Math.log(norm),
      )
      const before = logs.slice(0, start).filter((value) => value !== undefined)
      if (before.length < BEFORE) return []
      const middle = median(before)
      const spread = ROBUST_SD * median(before.map((value) => Math.abs(value - middle)))
      const width = Math.max(LEAST, BAND * spread)
      const side = (value: number | undefined) =>
        value === undefined || Math.abs(value - middle) <= width ? 0 : Math.sign(value - middle)
      for (let at = start; at + STAYS_OUT <= logs.length; at++) {
        const sides = logs.slice(at, at + STAYS_OUT).map(side)
        if (sides[0] === 0 || new Set(sides).size > 1) continue
        const after = logs.slice(at).filter((value) => value !== undefined)
        return [{ layer, step: map.step[at] as number, ratio: Math.exp(median(after) - middle) }]
      }
      return []
    })
    .sort((a, b) => a.step - b.step || Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)))
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2
}
