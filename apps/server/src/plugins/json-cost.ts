import { MAX_READINGS_PER_REQUEST } from '@normwatch/protocol'
import { Refusal } from '../errors.ts'

/** Smaller bodies are parsed within milliseconds, whatever they contain. */
const CHEAP_BYTES = 256 * 1024
/** Levels of objects and lists: more than a body of any route has. */
const MAX_DEPTH = 64
/** Objects and lists: the points and layers of a full batch, and some more. */
const MAX_CONTAINERS = 32_768
/** Values: the readings, steps and times of a full batch, and some more. */
const MAX_VALUES = MAX_READINGS_PER_REQUEST + 100_000

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}')

/**
 * Refuses a JSON text that would take long to parse, without parsing it: parsing blocks all other requests, and a few
 * bytes of a compressed body can hold millions of values. Throws `Refusal`.
 */
export function refuseCostlyJson(text: Buffer): void {
  if (text.length <= CHEAP_BYTES) return
  let [depth, containers, commas, isText] = [0, 0, 0, false]
  for (let i = 0; i < text.length; i++) {
    const byte = text[i]
    if (isText) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if (byte === COMMA) commas++
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      containers++
      if (++depth > MAX_DEPTH)
        throw new Refusal('json_invalid', `The body is nested deeper than ${MAX_DEPTH} levels.`)
      if (containers > MAX_CONTAINERS) {
        throw new Refusal('body_too_large', `A body has at most ${MAX_CONTAINERS} objects and lists.`)
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--
  }
  if (commas > MAX_VALUES) throw new Refusal('too_many_readings')
}
