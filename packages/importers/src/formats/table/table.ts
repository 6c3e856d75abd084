import type { Format } from '../../format.ts'
import { isLoss, isNorm } from '../../runs/metric-naming.ts'
import { Entries } from '../../text/entries.ts'

const PLACE =
  /^(?:_?step|epoch|global_step|iteration|iter|train\/global_step|trainer\/global_step|update|time\/iterations|time\/total_timesteps)$/i

/**
 * CSV and TSV with names in their first line: Lightning's `metrics.csv`, Keras' CSVLogger, Stable Baselines'
 * `progress.csv`, exports of W&B. Rows may fill only some of the columns, and columns come in any order.
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
    const entries = new Entries(log)
    let names: string[] | undefined
    let separator = ','
    for await (const lines of stream.lines())
      for (const line of lines) {
        if (line.trim() === '') continue
        if (names === undefined) {
          separator = separatorOf(line) ?? ','
          names = cells(line.replace(/^\uFEFF/, ''), separator)
          continue
        }
        const entry: Record<string, unknown> = {}
        cells(line, separator).forEach((cell, i) => {
          const name = names?.[i]
          if (cell !== '' && name !== undefined && name !== '__proto__') entry[name] = cell
        })
        entries.add(entry)
      }
    entries.finish()
  },
}

function separatorOf(line: string): string | undefined {
  return ['\t', ',', ';'].find((separator) => line.includes(separator))
}

/** The cells of a line. A quoted cell may hold the separator, and quotes written twice; it ends with its line. */
function cells(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map((cell) => cell.trim())
  const found: string[] = []
  const cell = /\s*"((?:[^"]|"")*)"\s*|([^"]*?)/y
  for (let at = 0; at <= line.length;) {
    cell.lastIndex = at
    const quoted = cell.exec(line)
    if (quoted?.[1] !== undefined) {
      found.push(quoted[1].replaceAll('""', '"'))
      at = cell.lastIndex
    } else {
      const end = line.indexOf(separator, at)
      found.push(line.slice(at, end < 0 ? line.length : end).trim())
      at = end < 0 ? line.length : end
    }
    if (at >= line.length) break
    at = line.indexOf(separator, at) + 1
    if (at === 0) break
  }
  return found
}
