/** A value kept in this browser. Where storage is refused (private windows), it lasts as long as the page. */
export function recall<Value>(
  key: string,
  fallback: Value,
  isValid: (value: unknown) => value is Value,
): Value {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`normwatch.${key}`) ?? 'null')
    return isValid(value) ? value : fallback
  } catch {
    return fallback
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`normwatch.${key}`, JSON.stringify(value))
  } catch {
    // Storage is full or refused: the choice holds for this page only.
  }
}
