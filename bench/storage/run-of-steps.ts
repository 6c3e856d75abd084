import type { PointColumns } from '@normwatch/protocol'

/** Steps between two spikes. A run of 1,000,000 steps has 462 spikes. */
const SPIKE_EVERY = 2161

/** Maps a whole number to a reproducible uniform number in [0, 1), with mixing like splitmix. */
function noise(n: number): number {
  let x = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32
}

export const isSpike = (step: number): boolean => step % SPIKE_EVERY === 2000

/**
 * Steps `from` to `from + count` of the benchmark run: grad_norm with one-step spikes, and loss. Values are float32 unless
 * `doubles`. A step takes about 50 ms, with the jitter of a real clock.
 */
export function stepsOf(from: number, count: number, { doubles = false, seed = 0 } = {}): PointColumns {
  const step = new Float64Array(count)
  const time = new Float64Array(count)
  const norm = new Float64Array(count)
  const loss = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const at = from + i
    const a = noise(at * 2 + seed * 7919)
    const b = noise(at * 2 + 1 + seed * 7919)
    step[i] = at
    time[i] = 1_764_000_000 + at * 0.05 + a * 0.004
    norm[i] = isSpike(at) ? 40 + 20 * a : Math.exp(0.5 * (a + b - 1)) * (0.9 + 0.4 / (1 + at / 5000))
    loss[i] = 2 + 6 / Math.sqrt(1 + at / 200) + 0.15 * (b - 0.5)
  }
  if (!doubles) {
    norm.set(new Float32Array(norm))
    loss.set(new Float32Array(loss))
  }
  return {
    step,
    time,
    metrics: new Map([
      ['grad_norm', { values: norm, present: null }],
      ['loss', { values: loss, present: null }],
    ]),
  }
}
