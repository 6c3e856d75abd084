import type { Reading } from '@normwatch/detector'
import { LAYER_PREFIX, type MetricColumn, type PointColumns } from '@normwatch/protocol'

type NumericField = Exclude<keyof Reading, 'step' | 'time' | 'layers'>

/** The metrics that the detector reads, and what it calls them. */
const FIELDS: readonly (readonly [metric: string, field: NumericField])[] = [
  ['grad_norm', 'gradNorm'],
  ['loss', 'loss'],
  ['lr', 'lr'],
  ['max_norm', 'cap'],
  ['clip_fraction', 'clipFraction'],
  ['max_abs_grad', 'maxAbsGrad'],
  ['post_norm', 'postNorm'],
  ['loss_scale', 'lossScale'],
  ['skipped', 'skipped'],
  ['zero_fraction', 'zeroFraction'],
]

/**
 * Shows each step of a batch to `visit` as the detector reads it, steps ascending. A step without a time gets the time
 * of arrival (milliseconds since 1970). The object is the same one every time: `visit` must not keep it.
 */
export function forEachReading(
  columns: PointColumns,
  arrivedAt: number,
  visit: (reading: Reading) => void,
): void {
  const { step, time, metrics } = columns
  const sources: { field: NumericField; column: MetricColumn }[] = []
  for (const [metric, field] of FIELDS) {
    const column = metrics.get(metric)
    if (column !== undefined) sources.push({ field, column })
  }
  const layers: { name: string; column: MetricColumn }[] = []
  for (const [metric, column] of metrics) {
    if (metric.startsWith(LAYER_PREFIX)) layers.push({ name: metric.slice(LAYER_PREFIX.length), column })
  }
  const reading = emptyReading()
  for (let i = 0; i < step.length; i++) {
    const at = time[i] as number
    reading.step = step[i] as number
    reading.time = Number.isNaN(at) ? arrivedAt / 1000 : at
    for (const { field, column } of sources) reading[field] = readingAt(column, i)
    if (layers.length > 0) reading.layers = layersAt(layers, i)
    visit(reading)
  }
}

function readingAt({ values, present }: MetricColumn, row: number): number | undefined {
  return present === null || present[row] === 1 ? values[row] : undefined
}

function layersAt(
  layers: readonly { name: string; column: MetricColumn }[],
  row: number,
): Record<string, number> {
  const norms = Object.create(null) as Record<string, number>
  for (const { name, column } of layers) {
    const norm = readingAt(column, row)
    if (norm !== undefined) norms[name] = norm
  }
  return norms
}

function emptyReading(): Reading {
  return {
    step: 0,
    time: 0,
    gradNorm: undefined,
    loss: undefined,
    lr: undefined,
    cap: undefined,
    clipFraction: undefined,
    maxAbsGrad: undefined,
    postNorm: undefined,
    lossScale: undefined,
    skipped: undefined,
    zeroFraction: undefined,
    layers: undefined,
  }
}
