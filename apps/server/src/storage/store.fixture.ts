import type { MetricColumn, PointColumns } from '@normwatch/protocol'
import type { Judgement } from './store.ts'

/** A batch; `null` marks a step without a reading. Without times it has none. */
export function columns(
  step: readonly number[],
  readings: Readonly<Record<string, readonly (number | null)[]>>,
  time: readonly number[] = step.map(() => NaN),
): PointColumns {
  const metrics = new Map<string, MetricColumn>()
  for (const [name, values] of Object.entries(readings)) {
    metrics.set(name, {
      values: Float64Array.from(values, (value) => value ?? 0),
      present: values.includes(null) ? Uint8Array.from(values, (value) => (value === null ? 0 : 1)) : null,
    })
  }
  return { step: Float64Array.from(step), time: Float64Array.from(time), metrics }
}

export const judgement: Judgement = {
  health: 'ok',
  conditions: [],
  clipping: { window: 0, rate: null, mean_coefficient: null, current_streak: 0, longest_streak: 0 },
}
