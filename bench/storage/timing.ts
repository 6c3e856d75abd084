import { performance } from 'node:perf_hooks'

/** Statistics of the calls' durations, in milliseconds. */
export interface Timing {
  readonly calls: number
  /** The fastest call, which shows what the machine can do when it is idle. */
  readonly min: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN

export function timing(milliseconds: readonly number[]): Timing {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const short = (value: number) => Math.round(value * 100) / 100
  return {
    calls: sorted.length,
    min: short(sorted[0] ?? NaN),
    p50: short(quantile(sorted, 0.5)),
    p99: short(quantile(sorted, 0.99)),
    max: short(sorted.at(-1) ?? NaN),
  }
}

/** Times `work`, run this many times in sequence, after `warmUp` unmeasured runs. */
export async function timed(
  calls: number,
  warmUp: number,
  work: (i: number) => Promise<unknown>,
): Promise<Timing> {
  const milliseconds: number[] = []
  for (let i = -warmUp; i < calls; i++) {
    const begin = performance.now()
    await work(i)
    if (i >= 0) milliseconds.push(performance.now() - begin)
  }
  return timing(milliseconds)
}
