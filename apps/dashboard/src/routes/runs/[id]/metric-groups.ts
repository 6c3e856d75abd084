/** Metrics whose names begin alike, as `actor/kl` and `actor/lr` do with `actor`; those without a slash have no name. */
export interface MetricGroup {
  readonly name: string
  readonly metrics: readonly string[]
}

const byName = new Intl.Collator('en', { numeric: true })

/** The metrics that have every word of a search in their names, in groups by what stands before the first slash. */
export function metricGroups(metrics: readonly string[], search: string): MetricGroup[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<string, string[]>()
  for (const metric of [...metrics].sort(byName.compare)) {
    if (!words.every((word) => metric.toLowerCase().includes(word))) continue
    const slash = metric.indexOf('/')
    const name = slash < 0 ? '' : metric.slice(0, slash)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [metric])
    else group.push(metric)
  }
  return [...groups]
    .map(([name, list]) => ({ name, metrics: list }))
    .sort((a, b) => byName.compare(a.name, b.name))
}
