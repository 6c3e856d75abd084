import {
  BUCKETS,
  DOUBLES,
  FIRST_SINGLE,
  highWord,
  SINGLES,
  wordsOf,
  type Form,
  type Numbers,
} from './norm-buckets.ts'

/** What is counted in, by what is left of the numbers: made when it is first needed, and all 0 between two uses. */
interface Tally {
  readonly counts: Uint32Array
  readonly wanted: Uint8Array
  readonly inverses: Float64Array
}
let tally: Tally | undefined
const tallyOf = (): Tally =>
  (tally ??= {
    counts: new Uint32Array(BUCKETS),
    wanted: new Uint8Array(BUCKETS),
    inverses: new Float64Array(BUCKETS),
  })

/** Finite norms counted by bucket, so that few of them need to be looked at. -0 is 0. */
export interface CountedNorms {
  /** Those that hold a norm, ascending. */
  readonly buckets: Uint32Array
  /** How many norms each of them holds. */
  readonly counts: Uint32Array
  /** The sum of the inverses of the norms in each bucket. */
  readonly inverses: Float64Array
  readonly count: number
  /** Finite readings below 0, which are no norms. */
  readonly below0: number
  readonly bytes: number
  /** Whether all are float32. */
  readonly isSingle: boolean
  /** The lowest norm; there is one. */
  readonly lowest: number
  readonly highest: number
  /** Gives `take` the norms of each of these buckets (ascending) that holds any, in no order: those from `from` up to `to`. */
  select(
    wanted: readonly number[],
    take: (norms: Numbers, from: number, to: number, place: number) => void,
  ): void
}

/** The finite norms of some blocks. */
export class NormGroup implements CountedNorms {
  readonly buckets: Uint32Array
  readonly counts: Uint32Array
  readonly count: number
  readonly below0: number
  readonly bytes: number
  readonly isSingle: boolean
  readonly #form: Form
  /** As they were given, until they are put in order. */
  #blocks: readonly Numbers[]
  /** All norms in the order of their buckets, once somebody has asked a second time, and where those of each begin. */
  #ordered: { readonly norms: Numbers; readonly starts: Uint32Array } | undefined
  #isAsked = false
  #inverses: Float64Array | undefined

  constructor(blocks: readonly Numbers[]) {
    const asSingles = blocks.every((block) => block instanceof Float32Array)
      ? countAll(blocks, SINGLES)
      : undefined
    this.isSingle = asSingles !== undefined
    this.#form = this.isSingle ? SINGLES : DOUBLES
    this.#blocks = this.isSingle ? blocks : blocks.map(withPlusZero)
    const counted = asSingles ?? (countAll(this.#blocks, DOUBLES) as Counted)
    this.buckets = counted.buckets
    this.counts = counted.counts
    this.count = counted.counts.reduce((sum, count) => sum + count, 0)
    this.below0 = counted.others === 0 ? 0 : this.#blocks.reduce((sum, block) => sum + countBelow0(block), 0)
    this.bytes = this.#blocks.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  select(
    wanted: readonly number[],
    take: (norms: Numbers, from: number, to: number, place: number) => void,
  ): void {
    if (this.#isAsked) this.#ordered ??= this.#putInOrder()
    this.#isAsked = true
    const { buckets } = this
    const places: number[] = []
    const here: number[] = []
    for (let at = 0, place = 0; place < wanted.length && at < buckets.length; place++) {
      while ((buckets[at] as number) < (wanted[place] as number)) at++
      if (buckets[at] !== wanted[place]) continue
      here.push(at)
      places.push(place)
    }
    const { norms, starts } = this.#ordered ?? this.#collect(here)
    for (const [i, place] of places.entries()) {
      const at = this.#ordered === undefined ? i : (here[i] as number)
      take(norms, starts[at] as number, starts[at + 1] as number, place)
    }
  }

  get inverses(): Float64Array {
    if (this.#inverses !== undefined) return this.#inverses
    const { inverses } = tallyOf()
    for (const block of this.#held) addInverses(block, this.#form, inverses)
    this.#inverses = Float64Array.from(this.buckets, (bucket) => inverses[this.#left(bucket)] as number)
    for (const bucket of this.buckets) inverses[this.#left(bucket)] = 0
    inverses[this.#form.end] = 0
    return this.#inverses
  }

  get lowest(): number {
    let lowest = Infinity
    for (const norm of this.#normsAt(0)) if (norm < lowest) lowest = norm
    return lowest
  }

  get highest(): number {
    let highest = 0
    for (const norm of this.#normsAt(this.buckets.length - 1)) if (norm > highest) highest = norm
    return highest
  }

  get #held(): readonly Numbers[] {
    return this.#ordered === undefined ? this.#blocks : [this.#ordered.norms]
  }

  /** The norms of the bucket at this place. */
  #normsAt(place: number): Numbers {
    if (this.#ordered === undefined) return this.#collect([place]).norms
    const { norms, starts } = this.#ordered
    return norms.subarray(starts[place], starts[place + 1])
  }

  /** What is left of the numbers in a bucket. */
  #left(bucket: number): number {
    return bucket - this.#form.offset
  }

  #putInOrder() {
    const ordered = this.#collect([...this.buckets.keys()])
    this.#blocks = []
    return ordered
  }

  /** The norms of these buckets, given by their places, one bucket behind the other. */
  #collect(places: readonly number[]): { norms: Numbers; starts: Uint32Array } {
    const { counts: next, wanted } = tallyOf()
    const starts = new Uint32Array(places.length + 1)
    places.forEach((place, i) => {
      starts[i + 1] = (starts[i] as number) + (this.counts[place] as number)
      const left = this.#left(this.buckets[place] as number)
      // where the next norm of the bucket goes, counted from 1
      next[left] = (starts[i] as number) + 1
      wanted[left] = 1
    })
    const total = (starts[places.length] as number) + 1
    const room = this.isSingle ? new Float32Array(total) : new Float64Array(total)
    for (const block of this.#blocks) collect(block, this.#form, next, wanted, room)
    for (const place of places) {
      const left = this.#left(this.buckets[place] as number)
      next[left] = wanted[left] = 0
    }
    return { norms: room.subarray(1), starts }
  }
}

function withPlusZero(norms: Numbers): Float64Array {
  const copy = new Float64Array(norms)
  for (let i = 0; i < copy.length; i++) copy[i] = (copy[i] as number) + 0
  return copy
}

interface Counted extends Pick<NormGroup, 'buckets' | 'counts'> {
  /** Readings that are in no bucket. */
  readonly others: number
}

/** `undefined`: among float32 is one that belongs to another bucket as float64, or to none. */
function countAll(blocks: readonly Numbers[], form: Form): Counted | undefined {
  const { counts } = tallyOf()
  const { end, offset } = form
  for (const block of blocks) count(block, form, counts)
  const held: number[] = []
  for (let left = 0; left < end; left++) if (counts[left] !== 0) held.push(left)
  const isAmiss = form === SINGLES && (counts[end] !== 0 || (held[0] ?? end) < FIRST_SINGLE)
  const counted = {
    buckets: Uint32Array.from(held, (left) => left + offset),
    counts: Uint32Array.from(held, (left) => counts[left] as number),
    others: counts[end] as number,
  }
  for (const left of held) counts[left] = 0
  counts[end] = 0
  return isAmiss ? undefined : counted
}

function count(norms: Numbers, { width, shift, end }: Form, counts: Uint32Array): void {
  const words = wordsOf(norms)
  for (let at = highWord(width); at < words.length; at += width) {
    const left = Math.min((words[at] as number) >>> shift, end)
    counts[left] = (counts[left] as number) + 1
  }
}

function countBelow0(norms: Numbers): number {
  let count = 0
  for (const norm of norms) if (norm < 0 && norm > -Infinity) count++
  return count
}

function addInverses(norms: Numbers, { width, shift, end }: Form, inverses: Float64Array): void {
  const words = wordsOf(norms)
  for (let i = 0, at = highWord(width); i < norms.length; i++, at += width) {
    const left = Math.min((words[at] as number) >>> shift, end)
    inverses[left] = (inverses[left] as number) + 1 / (norms[i] as number)
  }
}

/** Puts each norm where the next one of its bucket goes, and those that are not wanted at 0: without a branch, which could not be foretold. */
function collect(
  norms: Numbers,
  { width, shift, end }: Form,
  next: Uint32Array,
  wanted: Uint8Array,
  room: Numbers,
): void {
  const words = wordsOf(norms)
  for (let i = 0, at = highWord(width); i < norms.length; i++, at += width) {
    const left = Math.min((words[at] as number) >>> shift, end)
    const to = next[left] as number
    room[to] = norms[i] as number
    next[left] = to + (wanted[left] as number)
  }
}
