import { MAX_READINGS_PER_REQUEST } from '@normwatch/protocol'
import { Refusal } from '../errors.ts'
import type { PieceFinder } from './json-pieces.ts'

/** Smaller bodies are parsed within milliseconds, whatever they contain. */
const CHEAP_BYTES = 256 * 1024
/** Levels of objects and lists: more than a body of any route has. */
const MAX_DEPTH = 64
/** Objects and lists: the points and layers of a full batch, and some more. */
const MAX_CONTAINERS = 32_768
/** Values of one object or list: more than a request has points. A longer one is put together with steps of several milliseconds. */
const MAX_LENGTH = 32_768
/** Values: the readings, steps and times of a full batch, and some more. */
const MAX_VALUES = MAX_READINGS_PER_REQUEST + 100_000

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}')

/** Bytes that are looked at in one slice: about half a millisecond. */
const SLICE_BYTES = 64 * 1024

/**
 * Refuses a JSON text that would take long to parse, without parsing it: parsing blocks all other requests, and a few
 * bytes of a compressed body can hold millions of values. There is a `yield` every half a millisecond. Throws `Refusal`. `pieces` is
 * told where the text can be cut. Throws `SyntaxError` where brackets do not match.
 */
export function* refusingCostlyJson(text: Buffer, pieces: PieceFinder): Generator<undefined, void> {
  if (text.length <= CHEAP_BYTES) return
  const scan = new Scan(text, pieces)
  while (scan.at < text.length) {
    scan.next(Math.min(text.length, scan.at + SLICE_BYTES))
    yield
  }
  if (scan.commas > MAX_VALUES) throw new Refusal('too_many_readings')
}

class Scan {
  at = 0
  commas = 0
  #depth = 0
  /** Commas of each object or list that is open, by its depth. */
  readonly #lengths = new Uint32Array(MAX_DEPTH + 1)
  #containers = 0
  #isText = false
  readonly #text: Buffer
  readonly #pieces: PieceFinder

  constructor(text: Buffer, pieces: PieceFinder) {
    this.#text = text
    this.#pieces = pieces
  }

  /** Looks at the bytes up to `end`. */
  next(end: number): void {
    const [text, pieces] = [this.#text, this.#pieces]
    let [i, isText, commas] = [this.at, this.#isText, this.commas]
    for (; i < end; i++) {
      const byte = text[i]
      if (isText) {
        if (byte === BACKSLASH) i++
        else if (byte === QUOTE) isText = false
      } else if (byte === QUOTE) isText = true
      else if (byte === COMMA) {
        commas++
        this.#comma()
        pieces.comma(i)
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        this.#open()
        pieces.opened(i, byte === OPEN_LIST)
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        this.#depth--
        pieces.closed(i, byte === CLOSE_LIST)
      }
    }
    this.at = i
    this.#isText = isText
    this.commas = commas
  }

  #comma(): void {
    const length = ((this.#lengths[this.#depth] as number) += 1)
    if (length >= MAX_LENGTH)
      throw new Refusal(
        'too_many_points',
        `A request has at most 10,000 points, and no object or list in a body more than ${MAX_LENGTH.toLocaleString('en')} values.`,
      )
  }

  #open(): void {
    if (++this.#depth > MAX_DEPTH)
      throw new Refusal('json_invalid', `The body is nested deeper than ${MAX_DEPTH} levels.`)
    this.#lengths[this.#depth] = 0
    if (++this.#containers > MAX_CONTAINERS)
      throw new Refusal('body_too_large', `A body has at most ${MAX_CONTAINERS} objects and lists.`)
  }
}
