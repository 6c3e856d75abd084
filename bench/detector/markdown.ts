/** A Markdown table. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const line = (cells: readonly (string | number | null)[]): string =>
    `| ${cells.map((cell) => cell ?? '–').join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Up to three significant digits, without trailing zeros. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3)))
}

export function percent(share: number): string {
  return `${figure(100 * share)} %`
}

/** Replaces what is between `<!-- name -->` and `<!-- /name -->` by `content`. Throws if the marks are missing. */
export function replaceSection(document: string, name: string, content: string): string {
  const open = `<!-- ${name} -->`
  const close = `<!-- /${name} -->`
  const from = document.indexOf(open)
  const to = document.indexOf(close)
  if (from < 0 || to < from) throw new Error(`The document has no section "${name}".`)
  return `${document.slice(0, from + open.length)}\n\n${content}\n\n${document.slice(to)}`
}

/** The text between the marks. */
export function sectionOf(document: string, name: string): string {
  return (document.split(`<!-- ${name} -->`)[1] ?? '').split(`<!-- /${name} -->`)[0]?.trim() ?? ''
}
