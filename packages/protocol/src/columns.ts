/**
 * The points of one run in memory, as parallel columns: row `i` is the step `step[i]`.
 * Steps are ascending and unique. Layers are metrics named `layers/<name>`.
 */
export interface PointColumns {
  /** (n) non-negative integers below 2^53. */
  readonly step: Float64Array
  /** (n) Unix seconds; NaN where the sender gave none. */
  readonly time: Float64Array
  readonly metrics: ReadonlyMap<string, MetricColumn>
}

/** Whether the sender gave the time of any step. A loop, since `every` makes an object of each number. */
export function hasTimes(time: Float64Array): boolean {
  for (let row = 0; row < time.length; row++) if (!Number.isNaN(time[row])) return true
  return false
}

/** The readings of one metric, one row a step. */
export interface MetricColumn {
  /** (n) any float64, NaN and ±Infinity included. */
  readonly values: Float64Array
  /** (n) 1 where there is a reading, else 0; `null` when every step has one. */
  readonly present: Uint8Array | null
}

/** The metric under which the norm of a layer is kept. */
export const LAYER_PREFIX = 'layers/'
