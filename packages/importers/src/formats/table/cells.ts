/** What stands between the cells of a line. */
export function separatorOf(line: string): string | undefined {
  return ['\t', ',', ';'].find((separator) => line.includes(separator))
}

/** The cells of a line. A quoted cell may hold the separator, and quotes written twice; it ends with its line. */
export function cells(line: string, separator: string): string[] {
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
