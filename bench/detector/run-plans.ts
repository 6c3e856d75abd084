import { levelFor, SPREAD, TAILS, type RunPlan, type Tails } from './synthetic-runs.ts'

/** Steps of a steady run, of which every 1st, 10th or 100th is logged. */
const STEPS = 20_000
export const INTERVALS = [1, 10, 100] as const

/** Steady runs with the same clip rate. */
export function steadyRuns(rate: number, seeds: number, tails: readonly Tails[] = TAILS): RunPlan[] {
  return tails.flatMap((tail) =>
    INTERVALS.flatMap((interval) => {
      const level = levelFor(rate, tail)
      return repeated(seeds, { points: STEPS / interval, tails: tail, interval, level: () => level })
    }),
  )
}

/** Steady runs of 5,000 points with autocorrelated norms. The standard deviation of log(norm) is 0.5. */
export function rememberingRuns(memory: number, rate: number, seeds: number): RunPlan[] {
  const spread = 0.5
  const level = (levelFor(rate, 'normal') * spread) / SPREAD
  return repeated(seeds, { points: 5000, tails: 'normal', memory, spread, interval: 1, level: () => level })
}

/** Runs whose clip rate rises from 5 % to 95 % over `length` points, after 1,000 quiet points. The onset is at 80 %. */
export function driftingRuns(length: number, seeds: number): RunPlan[] {
  const start = 1000
  return TAILS.flatMap((tails) => {
    const [low, fire, high] = [0.05, 0.8, 0.95].map((rate) => levelFor(rate, tails)) as [
      number,
      number,
      number,
    ]
    const level = (point: number): number => low + (high - low) * clamp((point - start) / length)
    const onset = start + Math.ceil((length * (fire - low)) / (high - low))
    return repeated(seeds, { points: start + length + 1000, tails, interval: 1, level, onset })
  })
}

/**
 * Runs that start clipped at nearly every step and settle far below the cap, mostly within `length` points. The lr of that
 * warm-up is logged or not.
 */
export function warmingRuns(length: number, isLrLogged: boolean, seeds: number): RunPlan[] {
  const level = (point: number): number => 2 - 3.5 * (1 - Math.exp((-3 * point) / length))
  const lr = isLrLogged ? { lr: (point: number): number => 1e-3 * clamp((point + 1) / length) } : {}
  return TAILS.flatMap((tails) =>
    repeated(seeds, { points: length + 1000, tails, interval: 1, level, ...lr }),
  )
}

/** Runs far below the cap, with a given course of the loss. */
export function lossRuns(
  loss: (point: number) => number,
  points: number,
  seeds: number,
  onset = 0,
): RunPlan[] {
  return repeated(seeds, { points, tails: 'normal', interval: 1, level: () => -2, loss, onset })
}

/** The loss of a run that learns, then returns to its start over `length` points from point 2,000 on. Onset at half of that. */
export function divergingRuns(length: number, seeds: number): RunPlan[] {
  const start = 2000
  const loss = (point: number): number =>
    point < start ? learning(point) : 1 + 3 * clamp((point - start + 1) / length)
  return lossRuns(loss, start + length + 500, seeds, start + Math.floor(length / 2))
}

/** A falling loss, from 4 to 1. */
export function learning(point: number): number {
  return 1 + 3 * Math.exp(-point / 500)
}

/** Steady quiet runs with one norm of `factor` times its level, at point 500, the onset. */
export function spikedRuns(factor: number, tails: Tails, seeds: number): RunPlan[] {
  const onset = 500
  const level = (point: number): number => -2 + (point === onset ? Math.log(factor) : 0)
  return repeated(seeds, { points: onset + 5, tails, interval: 1, level, onset })
}

/** Runs whose norm falls to 1/5,000 of its level at point 500, the onset. */
export function vanishingRuns(seeds: number): RunPlan[] {
  const onset = 500
  const level = (point: number): number => -1 - (point < onset ? 0 : Math.log(5000))
  return TAILS.flatMap((tails) => repeated(seeds, { points: 1000, tails, interval: 1, level, onset }))
}

function repeated(seeds: number, plan: Omit<RunPlan, 'seed'>): RunPlan[] {
  return Array.from({ length: seeds }, (_, i) => ({ ...plan, seed: 1 + i * 7919 + plan.points }))
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share))
}
