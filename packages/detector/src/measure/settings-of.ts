/** A configuration's settings by key, nested ones with dots. */
export function settingsOf(config: Readonly<Record<string, unknown>>): Map<string, unknown> {
  return new Map(flattened(config))
}

function* flattened(config: Readonly<Record<string, unknown>>, prefix = ''): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(config)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      yield* flattened(value as Record<string, unknown>, `${prefix}${key}.`)
    else yield [prefix + key, value]
  }
}

/** Whether two values of a setting are the same. */
export const isSame = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other)
