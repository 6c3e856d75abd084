const ignore = () => {}

/**
 * Prints on stderr. If stderr cannot be written, as a file on a full disk, Node would emit an error that ends the process, even
 * though `console` ignores the first one.
 */
export function print(write: (line: string) => void, line: string): void {
  process.stderr.on('error', ignore)
  write(line)
  setImmediate(() => process.stderr.off('error', ignore)).unref()
}
