import type { MetricColumn, PointColumns } from './columns.ts'

/** The same points with steps ascending and unique: of a step that stands twice, each later reading wins. It may be interrupted at each `yield`. */
export function* ascending(columns: PointColumns): Generator<undefined, PointColumns> {
  const { step } = columns
  let inOrder = true
  for (let i = 1; i < step.length && inOrder; i++) inOrder = (step[i] as number) > (step[i - 1] as number)
  return inOrder ? columns : yield* sortAndMerge(columns)
}

function* sortAndMerge({ step, time, metrics }: PointColumns): Generator<undefined, PointColumns> {
  const order = Array.from(step.keys()).sort((a, b) => (step[a] as number) - (step[b] as number) || a - b)
  // target[k] is the row of the result that the k-th source row, in order, belongs to
  const target = new Uint32Array(order.length)
  let rows = 0
  order.forEach((source, k) => {
    const isRepeat = k > 0 && step[source] === step[order[k - 1] as number]
    target[k] = isRepeat ? rows - 1 : rows++
  })
  const outStep = new Float64Array(rows)
  const outTime = new Float64Array(rows).fill(NaN)
  order.forEach((source, k) => {
    const row = target[k] as number
    outStep[row] = step[source] as number
    if (!Number.isNaN(time[source])) outTime[row] = time[source] as number
  })
  const outMetrics = new Map<string, MetricColumn>()
  for (const [name, { values, present }] of metrics) {
    yield
    const outValues = new Float64Array(rows)
    const outPresent = new Uint8Array(rows)
    order.forEach((source, k) => {
      if (present !== null && present[source] === 0) return
      const row = target[k] as number
      outValues[row] = values[source] as number
      outPresent[row] = 1
    })
    outMetrics.set(name, { values: outValues, present: outPresent.includes(0) ? outPresent : null })
  }
  return { step: outStep, time: outTime, metrics: outMetrics }
}
