/** The most warnings per run, so that a loop that generates new names cannot flood memory or the log. */
const MAX_KINDS = 200

/** The most characters of an argument's name in a warning. Names may be generated from data. */
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
    try {
      this.#warn(`normwatch: ${sentence}`)
    } catch {
      // a console that throws, as test runners make it, must not end a training
    }
  }

  /** Warns about an invalid argument, once per sentence or `kind`. Throws `TypeError` in strict mode. */
  wrongUse(call: string, argument: string, reason: string, kind?: string): void {
    const sentence = `${call}: ${argument.slice(0, MAX_ARGUMENT)} ${reason}`
    if (this.isStrict) throw new TypeError(`normwatch: ${sentence}`)
    this.warn(kind ?? sentence, sentence)
  }
}
