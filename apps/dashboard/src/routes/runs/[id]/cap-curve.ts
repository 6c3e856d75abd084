import type { CapsReply } from '@normwatch/protocol'

/** What a cap does to the norms recorded; caps in ascending order. */
export type CapCurve = CapsReply['curve']
export type CapEffect = CapCurve[number]

/** One bar of the distribution: the share of the norms above `from` and not above `to`. */
export interface NormBar {
  readonly from: number
  readonly to: number
  readonly share: number
}

/** The distribution of the norms between the caps of a curve. */
export function distribution(curve: CapCurve): NormBar[] {
  return curve.slice(1).map((next, i) => {
    const before = curve[i] as CapEffect
    return { from: before.cap, to: next.cap, share: Math.max(0, before.clip_rate - next.clip_rate) }
  })
}

/** The effect of a cap between those of the curve, linear on the log axis: what is shown until the exact one is there. */
export function effectAt(curve: CapCurve, cap: number): CapEffect | undefined {
  const above = curve.findIndex((effect) => effect.cap >= cap)
  const [low, high] = above < 0 ? [curve.at(-1), curve.at(-1)] : [curve[Math.max(0, above - 1)], curve[above]]
  if (low === undefined || high === undefined) return undefined
  const share = high.cap === low.cap ? 0 : Math.log(cap / low.cap) / Math.log(high.cap / low.cap)
  const between = (from: number, to: number) => from + Math.min(1, Math.max(0, share)) * (to - from)
  return {
    cap,
    clip_rate: between(low.clip_rate, high.clip_rate),
    mean_coefficient: between(low.mean_coefficient, high.mean_coefficient),
  }
}

/** Both ends of the log axis: the smallest and the largest norm. */
export interface CapRange {
  readonly low: number
  readonly high: number
}

export function rangeOf(curve: CapCurve): CapRange | undefined {
  const [low, high] = [curve[0]?.cap, curve.at(-1)?.cap]
  return low === undefined || high === undefined || low === high ? undefined : { low, high }
}

/** Where a cap stands on the log axis, 0 to 1. */
export function shareOfAxis(cap: number, { low, high }: CapRange): number {
  return Math.min(1, Math.max(0, Math.log(cap / low) / Math.log(high / low)))
}

/** The cap at a place of the log axis, on three significant digits. */
export function capAt(share: number, { low, high }: CapRange): number {
  return Number((low * (high / low) ** share).toPrecision(3))
}
