/** What the measures of a run need of losses that follow each other, in their own unit. */
export interface LossSums {
  readonly readings: number
  readonly finite: number
  /** Pairs of neighbours that are both finite, and the sum of the squares of their differences. */
  readonly moves: number
  readonly squares: number
  /** NaN where that reading is not finite, or there is none. */
  readonly first: number
  readonly last: number
}

/** Sums up losses as they come. */
export class LossMoves implements LossSums {
  readings = 0
  finite = 0
  moves = 0
  squares = 0
  first = NaN
  last = NaN

  add(losses: Float32Array | Float64Array): void {
    if (losses.length === 0) return
    if (this.readings === 0) this.first = finiteOr(losses[0] as number)
    let { last, moves, squares } = this
    let finite = 0
    for (let i = 0; i < losses.length; i++) {
      const loss = losses[i] as number
      if (Number.isFinite(loss)) {
        const move = loss - last
        if (!Number.isNaN(move)) {
          squares += move * move
          moves++
        }
        last = loss
        finite++
      } else last = NaN
    }
    this.readings += losses.length
    this.finite += finite
    this.moves = moves
    this.squares = squares
    this.last = last
  }

  /** Adds losses that were summed up before. */
  addSums(sums: LossSums): void {
    if (sums.readings === 0) return
    if (this.readings === 0) this.first = sums.first
    const move = sums.first - this.last
    const isMove = !Number.isNaN(move)
    this.readings += sums.readings
    this.finite += sums.finite
    this.moves += sums.moves + (isMove ? 1 : 0)
    this.squares += sums.squares + (isMove ? move * move : 0)
    this.last = sums.last
  }
}

const finiteOr = (loss: number): number => (Number.isFinite(loss) ? loss : NaN)
