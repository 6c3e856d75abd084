import { emptyReading, readingFields, type Reading } from '@normwatch/detector'
import { LAYER_PREFIX, type MetricColumn, type PointColumns } from '@normwatch/protocol'

type ReadingField = (typeof readingFields)[number][1]

const fieldOf: ReadonlyMap<string, ReadingField> = new Map(readingFields)
const NO_COLUMNS = Object.fromEntries(readingFields.map(([, field]) => [field, undefined])) as Readonly<
  Record<ReadingField, MetricColumn | undefined>
>

/**
 * Passes each step of a batch to `visit` as the detector reads it, steps ascending. A step without a time gets the time
 * of arrival (milliseconds since 1970). The object is the same one every time: `visit` must not keep it.
 */
export function forEachReading(
  columns: PointColumns,
  arrivedAt: number,
  visit: (reading: Reading) => void,
): void {
  const { step, time, metrics } = columns
  const column = { ...NO_COLUMNS }
  const layers: { name: string; column: MetricColumn }[] = []
  for (const [metric, values] of metrics) {
    const field = fieldOf.get(metric)
    if (field !== undefined) column[field] = values
    else if (metric.startsWith(LAYER_PREFIX))
      layers.push({ name: metric.slice(LAYER_PREFIX.length), column: values })
  }
  // one object for all readings: thousands of names each would be most of the garbage of a batch
  const norms = Object.create(null) as Record<string, number>
  const reading = emptyReading()
  for (let i = 0; i < step.length; i++) {
    const at = time[i] as number
    reading.step = step[i] as number
    reading.time = Number.isNaN(at) ? arrivedAt / 1000 : at
    // by name: a field whose name is looked up takes ten times as long
    reading.gradNorm = readingAt(column.gradNorm, i)
    reading.loss = readingAt(column.loss, i)
    reading.lr = readingAt(column.lr, i)
    reading.cap = readingAt(column.cap, i)
    reading.clipFraction = readingAt(column.clipFraction, i)
    reading.maxAbsGrad = readingAt(column.maxAbsGrad, i)
    reading.postNorm = readingAt(column.postNorm, i)
    reading.lossScale = readingAt(column.lossScale, i)
    reading.skipped = readingAt(column.skipped, i)
    reading.zeroFraction = readingAt(column.zeroFraction, i)
    if (layers.length > 0) reading.layers = fill(norms, layers, i)
    visit(reading)
  }
}

export function readingAt(column: MetricColumn | undefined, row: number): number | undefined {
  if (column === undefined) return undefined
  const { values, present } = column
  return present === null || present[row] === 1 ? values[row] : undefined
}

/** Puts the norms of a row into `norms`, NaN where a layer has none; returns it. */
function fill(
  norms: Record<string, number>,
  layers: readonly { name: string; column: MetricColumn }[],
  row: number,
): Record<string, number> {
  for (const { name, column } of layers) norms[name] = readingAt(column, row) ?? NaN
  return norms
}

/** Readings of one slice: about a quarter of a millisecond of judging, which other requests wait for. */
const READINGS = 1_250
/** The least rows of one slice: cutting thousands of layers to single rows takes longer than judging them. */
const LEAST_ROWS = 16

/** The batch in slices, in order, each short enough to be judged without delaying others. */
export function slices(batch: PointColumns, readings = READINGS): PointColumns[] {
  const { step, metrics } = batch
  const rows = Math.max(LEAST_ROWS, Math.ceil(readings / (1 + metrics.size)))
  if (step.length <= rows) return [batch]
  const count = Math.ceil(step.length / rows)
  return Array.from({ length: count }, (_, i) => between(batch, i * rows, (i + 1) * rows))
}

/** How many pieces of the record, of so many steps each, the batch's steps up to `last` fall into. */
export function piecesTouched({ step }: PointColumns, last: number, steps: number): number {
  let pieces = 0
  for (let row = 0; isIn(step, row, last); row++) if (beginsPiece(step, row, steps)) pieces++
  return pieces
}

/** The batch in parts, in order, of which each touches at most so many of these pieces. */
export function partsByPieces(
  batch: PointColumns,
  last: number,
  steps: number,
  most: number,
): PointColumns[] {
  const { step } = batch
  const cuts = [0]
  let pieces = 0
  for (let row = 0; isIn(step, row, last); row++) {
    if (!beginsPiece(step, row, steps)) continue
    if (pieces === most) {
      cuts.push(row)
      pieces = 0
    }
    pieces++
  }
  return cuts.length === 1 ? [batch] : cuts.map((from, i) => between(batch, from, cuts[i + 1] ?? step.length))
}

const isIn = (step: Float64Array, row: number, last: number): boolean =>
  row < step.length && (step[row] as number) <= last

const beginsPiece = (step: Float64Array, row: number, steps: number): boolean =>
  row === 0 || Math.floor((step[row] as number) / steps) !== Math.floor((step[row - 1] as number) / steps)

function between({ step, time, metrics }: PointColumns, from: number, to: number): PointColumns {
  const part = new Map<string, MetricColumn>()
  for (const [name, { values, present }] of metrics) {
    part.set(name, { values: values.subarray(from, to), present: present?.subarray(from, to) ?? null })
  }
  return { step: step.subarray(from, to), time: time.subarray(from, to), metrics: part }
}
