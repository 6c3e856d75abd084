import { MAX_PART_NAME_LENGTH } from './limits.ts'
import { WELL_KNOWN_METRICS } from './points.ts'

/*
 * A part is one stream of gradients within a run: a GAN's generator, an actor, one of several optimisers. Its readings
 * are the well-known metrics with its name behind a slash: `grad_norm/generator`. A run without parts has none of these.
 */

/** Characters that the name of a part has: those of a metric's name, and no slash. */
const PART_NAME = new RegExp(`^[^/\\u0000-\\u001f\\u007f]{1,${MAX_PART_NAME_LENGTH}}$`)

/** Readings of gradients: with the name of a part that was not declared they make it. */
const OF_GRADIENTS = ['grad_norm/', 'clip_fraction/']

/** The metric of a part; `null` stands for the run itself. */
export const metricOf = (metric: string, part: string | null): string =>
  part === null ? metric : `${metric}/${part}`

export const isPartName = (name: string): boolean => PART_NAME.test(name)

/** The parts that readings under these names make where they were not declared, each once. */
export function partsMadeBy(metrics: Iterable<string>): string[] {
  const parts = new Set<string>()
  for (const metric of metrics) {
    for (const prefix of OF_GRADIENTS) {
      if (metric.startsWith(prefix) && isPartName(metric.slice(prefix.length)))
        parts.add(metric.slice(prefix.length))
    }
  }
  return [...parts]
}

const wellKnown: ReadonlySet<string> = new Set(WELL_KNOWN_METRICS)

/** The well-known metric and the part that a metric's name speaks of; `undefined` where it may not be one of a part. */
export function partMetric(name: string): { readonly metric: string; readonly part: string } | undefined {
  const at = name.indexOf('/')
  if (at < 0) return undefined
  const [metric, part] = [name.slice(0, at), name.slice(at + 1)]
  return wellKnown.has(metric) && isPartName(part) ? { metric, part } : undefined
}
