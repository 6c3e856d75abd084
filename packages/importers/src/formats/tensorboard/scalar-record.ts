import { doubleAt, floatAt } from '../../streams/protobuf.ts'

/** Keys of the fields, each of which is its number times 8 plus the kind of its content. */
const WALL_TIME = 0x09
const STEP = 0x10
const SUMMARY = 0x2a
const VALUE = 0x0a
const TAG = 0x0a
const SIMPLE_VALUE = 0x15

/**
 * The record that most of an event file are: a time, a step, and a summary of one value, which is a tag and a float, in this
 * order and nothing else. It is read without going through its fields one by one.
 */
export class ScalarRecord {
  time = NaN
  step = 0
  value = NaN
  /** Where the tag lies. */
  tagFrom = 0
  tagTo = 0

  /** Reads the record at bytes `from` to `to`; `false` where it is another kind, to be read field by field. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    // lengths are below 128, so that each is one byte
    if (to - from < 20 || to - from > 127 || bytes[from] !== WALL_TIME || bytes[from + 9] !== STEP)
      return false
    let at = from + 10
    let step = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] as number
      step += (byte & 127) * factor
      if (byte < 128) break
      if (at === to) return false
    }
    const isSummary = bytes[at] === SUMMARY && at + 2 + (bytes[at + 1] as number) === to
    const isValue = bytes[at + 2] === VALUE && at + 4 + (bytes[at + 3] as number) === to
    if (!isSummary || !isValue || bytes[at + 4] !== TAG) return false
    const tagFrom = at + 6
    const tagTo = tagFrom + (bytes[at + 5] as number)
    if (tagTo + 5 !== to || bytes[tagTo] !== SIMPLE_VALUE) return false
    this.time = doubleAt(bytes, from + 1)
    this.step = step
    this.value = floatAt(bytes, tagTo + 1)
    this.tagFrom = tagFrom
    this.tagTo = tagTo
    return true
  }
}
