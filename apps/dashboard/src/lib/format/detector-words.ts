import { causes, findingKinds } from '@normwatch/detector'

/** How people read a kind of finding: within a sentence, and its figures by their names on the wire. */
export interface KindWords {
  readonly condition: string
  readonly figures: Readonly<Record<string, string>>
}

/** Of each kind by its name. The build keeps the values and leaves out the code that judges (`words-only.ts`). */
export const KIND_WORDS: Readonly<Record<string, KindWords>> = Object.fromEntries(
  Object.entries(findingKinds).map(([kind, { condition, figures }]) => [kind, { condition, figures }]),
)

/** Of each cause by its name. */
export const CAUSE_TITLES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(causes).map(([cause, { title }]) => [cause, title]),
)

/** Of a kind that is not known here the name itself. */
export function wordsOfKind(name: string): KindWords {
  const own = Object.hasOwn(KIND_WORDS, name) ? KIND_WORDS[name] : undefined
  return own ?? { condition: name.replaceAll('_', ' '), figures: {} }
}

/** Of a cause that is not known here the name itself. */
export function causeTitle(name: string): string {
  const own = Object.hasOwn(CAUSE_TITLES, name) ? CAUSE_TITLES[name] : undefined
  return own ?? name.replaceAll('_', ' ')
}
