import { performance } from 'node:perf_hooks'

/** Milliseconds of a number of calls. */
export interface Timing {
  readonly calls: number
  /** What the machine can do while nobody else is using it. */
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

/** Runs `work` that many times, one after the other, after `warmUp` runs that do not count. */
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
