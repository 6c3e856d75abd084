/** A name in little room: where names differ may be at either end, so that its middle goes. */
export function cutName(name: string, length: number): string {
  if (name.length <= length) return name
  const end = Math.floor(length / 2)
  return `${name.slice(0, length - end - 1)}…${name.slice(-end)}`
}
