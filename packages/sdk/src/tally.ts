const KINDS = ['sent', 'refused', 'spooled', 'lost'] as const

/** What became of points: `spooled` ones wait in the spool, and `lost` ones are neither sent nor kept. */
type Fate = (typeof KINDS)[number]

/** How many points of a run met which fate, in memory that two threads may share: the one that sends writes. */
export class Tally {
  static readonly BYTES = KINDS.length * Float64Array.BYTES_PER_ELEMENT
  readonly #counts: Float64Array

  constructor(memory: ArrayBufferLike = new ArrayBuffer(Tally.BYTES)) {
    this.#counts = new Float64Array(memory)
  }

  add(fate: Fate, points: number): void {
    this.#counts[KINDS.indexOf(fate)] = this.of(fate) + points
  }

  of(fate: Fate): number {
    return this.#counts[KINDS.indexOf(fate)] as number
  }
}
