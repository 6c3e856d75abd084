/** An error as text. Never throws: anything can be thrown, even what has no text, such as `Object.create(null)`. */
export function textOf(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'an error without a text'
  }
}
