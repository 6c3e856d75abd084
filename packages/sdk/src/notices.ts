/** Warnings of one run at most: a loop that makes up new names must not flood memory or the log. */
const MAX_KINDS = 200

/** Characters of an argument's name in a warning: it may be made of data. */
const MAX_ARGUMENT = 100

/** Prints each kind of warning once. In strict mode, wrong use throws instead. */
export class Notices {
  readonly #said = new Set<string>()
  readonly #warn: (line: string) => void
  readonly isStrict: boolean

  constructor(warn: (line: string) => void, isStrict: boolean) {
    this.#warn = warn
    this.isStrict = isStrict
  }

  /** A warning about Normwatch itself. Never throws. */
  warn(kind: string, sentence: string): void {
    if (this.#said.has(kind) || this.#said.size >= MAX_KINDS) return
    this.#said.add(kind)
    this.#warn(`normwatch: ${sentence}`)
  }

  /** A warning about an argument that cannot be used, each sentence or `kind` once. Throws `TypeError` in strict mode. */
  wrongUse(call: string, argument: string, reason: string, kind?: string): void {
    const sentence = `${call}: ${argument.slice(0, MAX_ARGUMENT)} ${reason}`
    if (this.isStrict) throw new TypeError(`normwatch: ${sentence}`)
    this.warn(kind ?? sentence, sentence)
  }
}
