import { bucketOf, BUCKETS } from './norm-buckets.ts'

export type Numbers = Float32Array | Float64Array

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

/** What is counted in, by what is left of the numbers: made when it is first needed, and all 0 between two uses. */
interface Tally {
  readonly counts: Uint32Array
  readonly inverses: Float64Array
}
let tally: Tally | undefined
const tallyOf = (): Tally =>
  (tally ??= { counts: new Uint32Array(BUCKETS), inverses: new Float64Array(BUCKETS) })

/** The finite norms of some blocks, counted by bucket. -0 is 0. */
export class NormGroup {
  /** Those that hold a norm, ascending. */
  readonly buckets: Uint32Array
  /** Of each: how many norms, and the sum of their inverses. */
  readonly counts: Uint32Array
  readonly inverses: Float64Array
  readonly lowest: number
  readonly highest: number
  readonly count: number
  readonly bytes: number
  readonly #form: Form
  /** As they were given, until they are put in order. */
  #blocks: readonly Numbers[]
  /** All norms in the order of their buckets, once somebody has asked a second time, and where those of each begin. */
  #ordered: { readonly norms: Numbers; readonly starts: Uint32Array } | undefined
  #isAsked = false

  constructor(blocks: readonly Numbers[]) {
    const asSingles = blocks.every((block) => block instanceof Float32Array)
      ? countAll(blocks, SINGLES)
      : undefined
    this.#form = asSingles === undefined ? DOUBLES : SINGLES
    this.#blocks = asSingles === undefined ? blocks.map(withPlusZero) : blocks
    const counted = asSingles ?? (countAll(this.#blocks, DOUBLES) as Counted)
    this.buckets = counted.buckets
    this.counts = counted.counts
    this.inverses = counted.inverses
    this.lowest = counted.lowest
    this.highest = counted.highest
    this.count = counted.counts.reduce((sum, count) => sum + count, 0)
    this.bytes = this.#blocks.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /** Gives `take` the norms of each of these buckets (ascending) that holds any, in no order. */
  select(wanted: readonly number[], take: (norms: Numbers, place: number) => void): void {
    if (this.#isAsked) this.#ordered ??= this.#putInOrder()
    this.#isAsked = true
    const places: number[] = []
    const here: number[] = []
    for (let at = 0, place = 0; place < wanted.length && at < this.buckets.length; place++) {
      while ((this.buckets[at] as number) < (wanted[place] as number)) at++
      if (this.buckets[at] !== wanted[place]) continue
      here.push(at)
      places.push(place)
    }
    if (this.#ordered !== undefined) {
      const { norms, starts } = this.#ordered
      here.forEach((at, i) => take(norms.subarray(starts[at], starts[at + 1]), places[i] as number))
      return
    }
    const { norms, starts } = this.#collect(here)
    places.forEach((place, i) => take(norms.subarray(starts[i], starts[i + 1]), place))
  }

  #putInOrder() {
    const ordered = this.#collect([...this.buckets.keys()])
    this.#blocks = []
    return ordered
  }

  /** The norms of these buckets, given by their places, one bucket behind the other. */
  #collect(places: readonly number[]): { norms: Numbers; starts: Uint32Array } {
    const { offset } = this.#form
    const { counts: next } = tallyOf()
    const starts = new Uint32Array(places.length + 1)
    places.forEach((place, i) => {
      starts[i + 1] = (starts[i] as number) + (this.counts[place] as number)
      // where the next norm of the bucket goes, counted from 1
      next[(this.buckets[place] as number) - offset] = (starts[i] as number) + 1
    })
    const total = starts[places.length] as number
    const norms = this.#form === SINGLES ? new Float32Array(total) : new Float64Array(total)
    for (const block of this.#blocks) collect(block, this.#form, next, norms)
    for (const place of places) next[(this.buckets[place] as number) - offset] = 0
    return { norms, starts }
  }
}

function withPlusZero(norms: Numbers): Float64Array {
  const copy = new Float64Array(norms)
  for (let i = 0; i < copy.length; i++) copy[i] = (copy[i] as number) + 0
  return copy
}

type Counted = Pick<NormGroup, 'buckets' | 'counts' | 'inverses' | 'lowest' | 'highest'>

/** `undefined`: among float32 is one that belongs to another bucket as float64, or to none. */
function countAll(blocks: readonly Numbers[], form: Form): Counted | undefined {
  const { counts, inverses } = tallyOf()
  const { end, offset } = form
  let [lowest, highest] = [Infinity, 0]
  for (const block of blocks) {
    const range = count(block, form, { counts, inverses })
    lowest = Math.min(lowest, range.lowest)
    highest = Math.max(highest, range.highest)
  }
  const held: number[] = []
  for (let left = 0; left < end; left++) if (counts[left] !== 0) held.push(left)
  const isAmiss = form === SINGLES && (counts[end] !== 0 || (held[0] ?? end) < FIRST_SINGLE)
  const counted = {
    buckets: new Uint32Array(held.length),
    counts: new Uint32Array(held.length),
    inverses: new Float64Array(held.length),
    lowest,
    highest,
  }
  held.forEach((left, i) => {
    counted.buckets[i] = left + offset
    counted.counts[i] = counts[left] as number
    counted.inverses[i] = inverses[left] as number
    counts[left] = inverses[left] = 0
  })
  counts[end] = inverses[end] = 0
  return isAmiss ? undefined : counted
}

/** Counts the norms of a block; gives the lowest and the highest that is in a bucket. */
function count(norms: Numbers, { width, shift, end }: Form, { counts, inverses }: Tally) {
  const words = wordsOf(norms)
  let [lowest, highest] = [Infinity, 0]
  for (let i = 0, at = highWord(width); i < norms.length; i++, at += width) {
    const left = Math.min((words[at] as number) >>> shift, end)
    counts[left] = (counts[left] as number) + 1
    if (left === end) continue
    const norm = norms[i] as number
    inverses[left] = (inverses[left] as number) + 1 / norm
    if (norm < lowest) lowest = norm
    if (norm > highest) highest = norm
  }
  return { lowest, highest }
}

/** Puts each norm where the next one of its bucket goes, counted from 1; 0: it is not wanted. */
function collect(norms: Numbers, { width, shift, end }: Form, next: Uint32Array, room: Numbers): void {
  const words = wordsOf(norms)
  for (let i = 0, at = highWord(width); i < norms.length; i++, at += width) {
    const left = Math.min((words[at] as number) >>> shift, end)
    const to = next[left] as number
    if (to === 0) continue
    next[left] = to + 1
    room[to - 1] = norms[i] as number
  }
}

const wordsOf = (norms: Numbers): Uint32Array =>
  new Uint32Array(norms.buffer, norms.byteOffset, norms.byteLength / Uint32Array.BYTES_PER_ELEMENT)

/** Where the high word of the first number stands. */
const highWord = (width: number): number => (IS_LITTLE_ENDIAN ? width - 1 : 0)
