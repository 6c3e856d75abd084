const LEVELS = '▁▂▃▄▅▆▇█'

/** Values as a line of blocks on a logarithmic scale, for norms; a dot where there is no finite, positive value. */
export function sparkline(values: readonly (number | null)[]): string {
  const logs = values.map((value) => (value !== null && value > 0 ? Math.log(value) : null))
  const known = logs.filter((value) => value !== null)
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const levelOf = (value: number) =>
    high === low ? LEVELS.length >> 1 : Math.round(((value - low) / (high - low)) * (LEVELS.length - 1))
  return logs.map((value) => (value === null ? '·' : LEVELS[levelOf(value)])).join('')
}
