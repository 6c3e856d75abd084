/** The first items of a list whose JSON has at most `characters` in all, and how many were left out. */
export function bounded<T>(items: readonly T[], characters: number): { kept: T[]; leftOut: number } {
  const kept: T[] = []
  let left = characters
  for (const item of items) {
    left -= JSON.stringify(item).length + 1
    if (left < 0) break
    kept.push(item)
  }
  return { kept, leftOut: items.length - kept.length }
}

/** The text, cut to at most `characters`. */
export function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`
}

/** JSON with six significant digits: half as long, and precise enough. Whole numbers, such as steps, stay exact. */
export function toText(answer: object): string {
  return JSON.stringify(answer, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value,
  )
}
