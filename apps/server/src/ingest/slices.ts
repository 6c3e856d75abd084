import type { MetricColumn, PointColumns } from '@normwatch/protocol'

/** Readings of one slice: about a quarter of a millisecond of judging, which others wait at each of their own steps. */
const READINGS = 1_250

/** The batch in parts, in order, each short enough that others can wait while it is judged. */
export function slices(batch: PointColumns): PointColumns[] {
  const { step, metrics } = batch
  const rows = Math.ceil(READINGS / (1 + metrics.size))
  if (step.length <= rows) return [batch]
  const count = Math.ceil(step.length / rows)
  return Array.from({ length: count }, (_, i) => between(batch, i * rows, (i + 1) * rows))
}

function between({ step, time, metrics }: PointColumns, from: number, to: number): PointColumns {
  const part = new Map<string, MetricColumn>()
  for (const [name, { values, present }] of metrics) {
    part.set(name, { values: values.subarray(from, to), present: present?.subarray(from, to) ?? null })
  }
  return { step: step.subarray(from, to), time: time.subarray(from, to), metrics: part }
}
