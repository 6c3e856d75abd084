const GAP = '  '
/** The narrowest that a column is cut to. */
const LEAST = 8

/** Rows as lines of aligned columns, in order of importance from the left: the widest columns are cut to fit `width`. */
export function inColumns(rows: readonly (readonly string[])[], width = Infinity): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const total = () => widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length)
  for (let widest = Math.max(...widths); total() > width && widest > LEAST; widest = Math.max(...widths)) {
    widths[widths.lastIndexOf(widest)] = widest - 1
  }
  return rows.map((row) =>
    row
      .map((cell, i) => cut(cell, widths[i] as number).padEnd(widths[i] as number))
      .join(GAP)
      .trimEnd(),
  )
}

/** Characters of a line: the terminal's, at most 120; 80 where the output is no terminal. */
export function lineWidth(): number {
  return Math.min(process.stdout.columns || 80, 120)
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}
