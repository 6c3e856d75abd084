/** Text that is HTML already. */
export interface Html {
  readonly text: string
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** HTML in which every value that is not `Html` is escaped. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const filled = values.map((value) => (typeof value === 'string' ? escaped(value) : value.text))
  return { text: parts.map((part, i) => part + (filled[i] ?? '')).join('') }
}

export function join(pieces: readonly Html[]): Html {
  return { text: pieces.map(({ text }) => text).join('') }
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] as string)
