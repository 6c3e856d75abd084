const PLAIN_WORDS_AT_END = /(?:(?:^|\s)[A-Za-z’']+[,:;]?)+\s+(?:--)?$/
const ADVISES =
  /\b(?:set|setting|use|pass|passing|try|consider|recommend\w*|suggest\w*|should|could|would|must|if|unless|instead|example)\b/i
const WORDS_AT_START = /^['"]?[,;]?\s+([A-Za-z]+(?:\s+[A-Za-z]+)*)\b\s*(.{0,2})/
const ENDS = /^(?:$|[.,;!?](?:\s|$))/
const NAMES_A_VALUE = /^[:=]/
const USAGE = /^\s*usage:|\[--$/i
const COMMAND = /\.py\b|\s--?\w/
/** Characters of a sentence that are looked at, on each side of a setting. */
const MAX_LOOK = 200

/** Whether a setting with this before and after it is not stated, but spoken of: in a sentence, or as usage. */
export function isAdvice(before: string, after: string): boolean {
  if (USAGE.test(before)) return true
  if (ADVISES.test(PLAIN_WORDS_AT_END.exec(before.slice(-MAX_LOOK))?.[0] ?? '')) return true
  const [, words, next = ''] = WORDS_AT_START.exec(after.slice(0, MAX_LOOK)) ?? []
  if (words === undefined || NAMES_A_VALUE.test(next)) return false
  const count = words.split(/\s+/).length
  // a word or two that end nothing are the name of the next setting; one behind a command is what it works on
  return count > 2 || (ENDS.test(next) && (count > 1 || !COMMAND.test(before)))
}
