const KINDS = ['sent', 'refused', 'spooled', 'lost'] as const

/** What happened to a point. `spooled`: waits in the spool. `lost`: neither sent nor kept. */
type Fate = (typeof KINDS)[number]

/** Counts of points by outcome, in memory that two threads can share. Only the sending thread writes. */
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
