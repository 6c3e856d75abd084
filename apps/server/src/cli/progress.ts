/** A terminal where somebody looks on: not a log, not a machine that runs checks. */
const isWatched = process.stderr.isTTY && !process.env['CI']
const NEW_LINE = '\u001b[2K\r'
const BAR = 24

/** Shows one line of progress, in place of the one before. */
export function showProgress(line: string): void {
  if (isWatched) process.stderr.write(`${NEW_LINE}${line.slice(-100)}`)
}

/** Removes the line of progress. */
export function endProgress(): void {
  if (isWatched) process.stderr.write(NEW_LINE)
}

/** How much is done, as `████████░░░░ 67 %`. */
export function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.round(share * BAR)
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${Math.floor(share * 100)} %`
}
