import type { Format } from '../../format.ts'
import { isLoss, isNorm } from '../../runs/metric-naming.ts'
import { cells, separatorOf } from './cells.ts'
import { TableRows } from './table-rows.ts'

const PLACE =
  /^(?:_?step|epoch|global_step|iteration|iter|train\/global_step|trainer\/global_step|update|time\/iterations|time\/total_timesteps)$/i

/**
 * CSV and TSV with names in their first line: Lightning's `metrics.csv`, Keras' CSVLogger, Stable Baselines'
 * `progress.csv`, exports of W&B. Rows may fill only some of the columns, and columns come in any order; a row of names is a new
 * header.
 */
export const table: Format = {
  name: 'table',
  title: 'CSV, TSV (Lightning metrics.csv, Keras CSVLogger, SB3 progress.csv, W&B export)',
  score: ({ text }, path) => {
    const [first = '', second] = text.split(/\r?\n/, 2)
    const separator = separatorOf(first)
    if (separator === undefined) return 0
    const names = cells(first, separator)
    if (names.length < 2 || second === undefined || /[{}[\]]/.test(first)) return 0
    const hasPlace = names.some((name) => PLACE.test(name))
    const hasReading = names.some((name) => isNorm(name) || isLoss(name) || /loss$/i.test(name))
    const isNamed = /\.(?:csv|tsv)(?:\.gz)?$/i.test(path)
    if (hasPlace && hasReading) return isNamed ? 0.9 : 0.7
    return isNamed && new Set(names).size === names.length ? 0.55 : 0
  },
  async read(stream, log) {
    const rows = new TableRows(log)
    for await (const lines of stream.lines()) for (const line of lines) rows.read(line)
    rows.finish()
  },
}
