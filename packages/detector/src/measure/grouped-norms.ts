import { bucketOf, BUCKETS } from './norm-buckets.ts'

export type Numbers = Float32Array | Float64Array

/** Finite norms, those of one bucket side by side: whoever asks for some of them looks into few buckets. */
export interface GroupedNorms {
  /** In ascending order of their buckets, and in no order within one. */
  readonly norms: Numbers
  /** Those that hold a norm, ascending. */
  readonly buckets: Uint32Array
  /** Where the norms of each begin, and behind the last one where they end. */
  readonly starts: Uint32Array
  /** Of each, the sum of the inverses of its norms. */
  readonly inverses: Float64Array
}

/** How numbers of one width tell their bucket. */
interface Form {
  /** Words of 32 bits in a number. */
  readonly width: number
  /** Bits of the high word that the bucket does not go by. */
  readonly shift: number
  /** What is left of infinity. That of NaN and of negative numbers is no less, and they are in no bucket. */
  readonly end: number
  /** The bucket of the numbers of which 0 is left. */
  readonly offset: number
}
const DOUBLES: Form = { width: 2, shift: 14, end: 0x7ff0_0000 >>> 14, offset: 0 }
/** A float32 has those bits too, behind an exponent with another bias. */
const SINGLES: Form = {
  width: 1,
  shift: 17,
  end: 0x7f80_0000 >>> 17,
  offset: bucketOf(1) - (0x3f80_0000 >>> 17),
}
/** What is left of the least float32 with all its digits; those below have another exponent as float64. */
const FIRST_SINGLE = 0x0080_0000 >>> 17

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** What a grouping counts in: made for the first, and all 0 between two. */
interface Tally {
  readonly counts: Uint32Array
  readonly inverses: Float64Array
}
let tally: Tally | undefined

/** Groups the finite norms of these blocks; -0 becomes 0. */
export function groupNorms(blocks: readonly Numbers[]): GroupedNorms {
  const areSingle = blocks.every((block) => block instanceof Float32Array)
  const asSingles = areSingle ? grouped(blocks, SINGLES) : undefined
  return asSingles ?? (grouped(blocks.map(withPlusZero), DOUBLES) as GroupedNorms)
}

function withPlusZero(norms: Numbers): Float64Array {
  const copy = new Float64Array(norms)
  for (let i = 0; i < copy.length; i++) copy[i] = (copy[i] as number) + 0
  return copy
}

/** `undefined`: among float32 is one that belongs to another bucket as float64, or to none. */
function grouped(blocks: readonly Numbers[], form: Form): GroupedNorms | undefined {
  tally ??= { counts: new Uint32Array(BUCKETS), inverses: new Float64Array(BUCKETS) }
  const { counts, inverses } = tally
  const { end, offset } = form
  for (const block of blocks) count(block, form, tally)
  const held: number[] = []
  for (let place = 0; place < end; place++) if (counts[place] !== 0) held.push(place)
  const isAmiss = form === SINGLES && (counts[end] !== 0 || (held[0] ?? end) < FIRST_SINGLE)
  const starts = new Uint32Array(held.length + 1)
  held.forEach((place, i) => {
    starts[i + 1] = (starts[i] as number) + (counts[place] as number)
    // where the next norm of the bucket goes
    counts[place] = starts[i] as number
  })
  let result: GroupedNorms | undefined
  if (!isAmiss) {
    const total = starts[held.length] as number
    const norms = form === SINGLES ? new Float32Array(total) : new Float64Array(total)
    for (const block of blocks) place(block, form, counts, norms)
    const buckets = Uint32Array.from(held, (place) => place + offset)
    result = {
      norms,
      buckets,
      starts,
      inverses: Float64Array.from(held, (place) => inverses[place] as number),
    }
  }
  for (const place of [...held, end]) counts[place] = inverses[place] = 0
  return result
}

function count(norms: Numbers, { width, shift, end }: Form, { counts, inverses }: Tally): void {
  const words = wordsOf(norms)
  for (let i = 0, at = highWord(width); i < norms.length; i++, at += width) {
    const place = Math.min((words[at] as number) >>> shift, end)
    counts[place] = (counts[place] as number) + 1
    inverses[place] = (inverses[place] as number) + 1 / (norms[i] as number)
  }
}

/** Puts the norms where the next one of their bucket goes. */
function place(norms: Numbers, { width, shift, end }: Form, next: Uint32Array, places: Numbers): void {
  const words = wordsOf(norms)
  for (let i = 0, at = highWord(width); i < norms.length; i++, at += width) {
    const bucket = (words[at] as number) >>> shift
    if (bucket >= end) continue
    const to = next[bucket] as number
    next[bucket] = to + 1
    places[to] = norms[i] as number
  }
}

const wordsOf = (norms: Numbers): Uint32Array =>
  new Uint32Array(norms.buffer, norms.byteOffset, norms.byteLength / Uint32Array.BYTES_PER_ELEMENT)

/** Where the high word of the first number stands. */
const highWord = (width: number): number => (IS_LITTLE_ENDIAN ? width - 1 : 0)
