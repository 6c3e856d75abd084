const GAP = '  '
/** The narrowest that a column is cut to. */
const LEAST = 8

/**
 * Rows as lines of aligned columns. Where they are wider than `width`, columns are cut: those of `cut`, one after the other,
 * else the widest. What is cut ends with `…`.
 */
export function inColumns(
  rows: readonly (readonly string[])[],
  width = Infinity,
  cut: readonly number[] = [],
): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const excess = () => widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length) - width
  for (const i of cut) {
    const whole = widths[i] as number
    widths[i] = Math.min(whole, Math.max(LEAST, whole - Math.max(0, excess())))
  }
  for (let widest = Math.max(...widths); excess() > 0 && widest > LEAST; widest = Math.max(...widths)) {
    widths[widths.lastIndexOf(widest)] = widest - 1
  }
  return rows.map((row) =>
    row
      .map((cell, i) => shortened(cell, widths[i] as number).padEnd(widths[i] as number))
      .join(GAP)
      .trimEnd(),
  )
}

/** Characters of a line: the terminal's, at most 120; 80 where the output is no terminal. */
export function lineWidth(): number {
  return Math.min(process.stdout.columns || 80, 120)
}

function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}
