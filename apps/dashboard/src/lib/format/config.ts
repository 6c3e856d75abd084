/** A value of a run's configuration as text; `–` where the run has none. */
export function configWords(value: unknown): string {
  if (value === undefined) return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
