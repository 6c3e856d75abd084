import { statedCap, statedKind, opensClipping, type CapInText, type StatedCap } from './cap-in-line.ts'
import { clipByKind, type ClipKind } from './clip-kind.ts'

const MAY_TELL = /clip|max[_-](?:grad_)?norm|norm_type/i
/** Lines between a cap and what is said of its kind, at the most. */
const MAX_APART = 20
/** Lines of the settings of clipping, at the most. */
const MAX_SETTINGS = 8

/** Finds caps in a configuration that is printed over several lines. */
export class CapReader {
  #line = 0
  #cap: { readonly stated: StatedCap; readonly line: number } | undefined
  #kind: { readonly kind: ClipKind; readonly line: number } | undefined
  /** The line that opened the settings of clipping which follow further in. */
  #opened: { readonly line: number; readonly indent: number } | undefined

  /** The cap that is known with this line: its own, or one of a line before whose kind this line tells. */
  read(line: string): CapInText | undefined {
    this.#line++
    if (this.#opened === undefined && !MAY_TELL.test(line)) return undefined
    const isInClipping = this.#isInClipping(line)
    const stated = statedCap(line, isInClipping)
    const kind = statedKind(line)
    if (opensClipping(line)) this.#opened = { line: this.#line, indent: indentOf(line) }
    if (kind !== undefined && (isInClipping || stated !== undefined || !kind.key.endsWith('norm_type')))
      this.#kind = { kind, line: this.#line }
    else if (kind !== undefined) return undefined
    if (stated !== undefined) this.#cap = { stated, line: this.#line }
    if (stated === undefined && kind === undefined) return undefined
    if (this.#cap === undefined || this.#isFar(this.#cap.line)) return undefined
    const near = this.#kind === undefined || this.#isFar(this.#kind.line) ? undefined : this.#kind.kind
    return { key: this.#cap.stated.key, clip: clipByKind(this.#cap.stated.value, near) }
  }

  #isInClipping(line: string): boolean {
    const opened = this.#opened
    const isIn =
      opened !== undefined && indentOf(line) > opened.indent && this.#line - opened.line <= MAX_SETTINGS
    if (!isIn) this.#opened = undefined
    return isIn
  }

  #isFar(line: number): boolean {
    return this.#line - line > MAX_APART
  }
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}
