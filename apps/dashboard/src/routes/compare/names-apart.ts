import type { Run } from '@normwatch/protocol'

/** The names of runs; those that several have, each with as much of its id's end as tells them apart. */
export function namesApart(runs: readonly Pick<Run, 'id' | 'name'>[]): string[] {
  return runs.map(({ id, name }) => {
    const others = runs.filter((other) => other.name === name && other.id !== id)
    if (others.length === 0) return name
    const length = [6, 12, 24].find((end) => others.every((other) => other.id.slice(-end) !== id.slice(-end)))
    return `${name} ${length === undefined ? id : id.slice(-length)}`
  })
}
