/** Kinds of trouble that one run says: names that never repeat must fill neither memory nor the log. */
const MAX_KINDS = 200

/** Says each kind of trouble once, as a warning; wrong use is an exception instead where the user asked for it. */
export class Complaints {
  readonly #said = new Set<string>()
  readonly #warn: (line: string) => void
  readonly isStrict: boolean

  constructor(warn: (line: string) => void, isStrict: boolean) {
    this.#warn = warn
    this.isStrict = isStrict
  }

  /** Trouble of the monitor. Never throws. */
  warn(kind: string, sentence: string): void {
    if (this.#said.has(kind) || this.#said.size >= MAX_KINDS) return
    this.#said.add(kind)
    this.#warn(`normwatch: ${sentence}`)
  }

  /** An argument that cannot be used. Throws `TypeError` in strict mode. */
  wrongUse(call: string, argument: string, reason: string): void {
    const sentence = `${call}: ${argument} ${reason}`
    if (this.isStrict) throw new TypeError(`normwatch: ${sentence}`)
    this.warn(sentence, sentence)
  }
}
