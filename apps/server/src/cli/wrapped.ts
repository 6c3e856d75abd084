/** A paragraph of at most 80 columns, set in by two. */
export function wrapped(text: string): string {
  return (text.match(/\S(?:.{0,76}\S)?(?=\s|$)/g) ?? []).map((line) => `  ${line}`).join('\n')
}
