/** A value of a run's configuration as text; `–` where the run has none. */
export function configWords(value: unknown): string {
  if (value === undefined) return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A config without nesting: `{"optim": {"lr": 1}}` has the key `optim.lr`. Lists are values. */
export function flatConfig(config: Readonly<Record<string, unknown>>, prefix = ''): Record<string, unknown> {
  const entries = Object.entries(config).flatMap(([key, value]) => {
    const name = prefix + key
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isGroup && Object.keys(value).length > 0
      ? Object.entries(flatConfig(value as Record<string, unknown>, `${name}.`))
      : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}
