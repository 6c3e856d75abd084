import type { MetricColumn } from '@normwatch/protocol'

/**
 * Points as parallel columns whose metrics are numbered; steps ascend and are unique. The arrays may be longer than
 * `count`: what lies beyond has no meaning.
 */
export interface Rows {
  readonly count: number
  readonly step: Float64Array
  /** Unix seconds; NaN where the sender gave none. */
  readonly time: Float64Array
  readonly columns: ReadonlyMap<number, MetricColumn>
}

/** The first row whose step is at least `step`; `count` if all steps are below it. */
export function rowFrom(rows: Rows, step: number): number {
  let low = 0
  let high = rows.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((rows.step[middle] as number) < step) low = middle + 1
    else high = middle
  }
  return low
}

/** The distance of the steps where it is constant (1 for a single step), else 0. */
export function strideOf({ count, step }: Rows): number {
  if (count < 2) return 1
  const stride = (step[1] as number) - (step[0] as number)
  for (let row = 2; row < count; row++) {
    if ((step[row] as number) - (step[row - 1] as number) !== stride) return 0
  }
  return stride
}
