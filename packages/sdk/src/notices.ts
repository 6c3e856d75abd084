/** Warnings of one run at most: a loop that makes up new names must not flood memory or the log. */
const MAX_KINDS = 200

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

  /** A warning about an argument that cannot be used. Throws `TypeError` in strict mode. */
  wrongUse(call: string, argument: string, reason: string): void {
    const sentence = `${call}: ${argument} ${reason}`
    if (this.isStrict) throw new TypeError(`normwatch: ${sentence}`)
    this.warn(sentence, sentence)
  }
}
