import type { Run } from '@normwatch/protocol'
import { cutName } from '#lib/format/cut-name.ts'

/** The names of runs; those that several have, each with as much of its id's end as tells them apart. */
export function namesApart(runs: readonly Pick<Run, 'id' | 'name'>[]): string[] {
  return runs.map(({ id, name }) => {
    const others = runs.filter((other) => other.name === name && other.id !== id)
    if (others.length === 0) return name
    const length = [6, 12, 24].find((end) => others.every((other) => other.id.slice(-end) !== id.slice(-end)))
    return `${name} ${length === undefined ? id : id.slice(-length)}`
  })
}

/**
 * Names of at most `length` characters: where some are longer, without the end and then the start that all have in common,
 * up to where a word begins. Of what is still too long the middle goes.
 */
export function shortNames(names: readonly string[], length: number): string[] {
  const fit = (some: readonly string[]) => some.every((name) => name.length <= length)
  const whole = fit(names) ? [...names] : withoutCommonEnd(names)
  const short = fit(whole) ? whole : withoutCommonStart(whole)
  return short.map((name) => cutName(name, length))
}

/** `vit lr=0.1` and `vit lr=0.2` are `lr=0.1` and `lr=0.2`. */
function withoutCommonStart(names: readonly string[]): string[] {
  const [first = ''] = names
  const starts = [...first.matchAll(/[\s/_,:-]/g)].map(({ index }) => first.slice(0, index + 1))
  const common = starts.findLast((start) =>
    names.every((name) => name.length > start.length && name.startsWith(start)),
  )
  return names.map((name) => (names.length > 1 && common ? name.slice(common.length) : name))
}

/** The names without the end from a slash on that all have in common, such as `/output.log`. */
export function withoutCommonEnd(names: readonly string[]): string[] {
  const [first = ''] = names
  const ends = [...first.matchAll(/\//g)].map(({ index }) => first.slice(index))
  const common = ends.find((end) => names.every((name) => name.length > end.length && name.endsWith(end)))
  return names.map((name) => (names.length > 1 && common ? name.slice(0, -common.length) : name))
}
