import { capOfStep, clippedAbove } from '../record/clipped-step.ts'
import { readingOf, type Column } from '../series/columns.ts'
import { atOnce, type InSlices } from './in-slices.ts'
import { LastLosses, lastOf } from './last-losses.ts'
import { LossMoves, type LossSums } from './loss-moves.ts'
import { NormRecord } from './norm-record.ts'
import type { OrderedNorms } from './ordered-norms.ts'

/** The measures by which runs are compared. Losses are in their own unit; `null` if the record lacks the data. */
export interface RunMeasures {
  readonly points: number
  /** From the first to the last step, both counted. */
  readonly steps: number
  readonly seconds: number | null
  /** Median of the last 5 % of the finite losses. */
  readonly final_loss: number | null
  /** Root mean square of the loss's first differences over finite neighbours. */
  readonly loss_roughness: number | null
  readonly norm_quantiles: Readonly<Record<'p10' | 'p50' | 'p90' | 'p99', number | null>>
  /** Share of the points that could be judged. */
  readonly clip_rate: number | null
  /** Readings of the norm and the loss that are NaN or ±Infinity. */
  readonly nonfinite: number
}

/** The steps of a run that are measured, and the first and the last of them; the time in Unix seconds, NaN where unknown. */
export interface MeasuredSteps {
  readonly points: number
  readonly first: { readonly step: number; readonly time: number } | undefined
  readonly last: { readonly step: number; readonly time: number } | undefined
}

/** Rows of a run that has no cap of its own, with the caps of single steps. */
export interface CappedSteps {
  readonly count: number
  readonly gradNorm: Column | undefined
  readonly cap: Column | undefined
}

/** Measures a run by its readings, each metric block by block in the order of the steps. */
export class RunMeasurer {
  readonly #norms = new NormRecord()
  /** Readings of the norm. */
  #readings = 0
  readonly #losses = new LastLosses()
  #lastLosses: LastLosses | undefined
  readonly #moves = new LossMoves()
  /** Losses of which only sums were added: where they start, and how many finite ones are before them and up to their end. */
  readonly #summed: { readonly start: number; readonly before: number; readonly until: number }[] = []
  #judged = 0
  #clipped = 0

  addNorms(norms: Float32Array | Float64Array): void {
    this.#readings += norms.length
    this.#norms.add({ values: norms, present: null })
  }

  /** The same for norms that are in order already, which takes less time. */
  addOrderedNorms(norms: OrderedNorms): void {
    this.#readings += norms.readings
    this.#norms.addOrdered(norms)
  }

  /** Adds norms, and counts how many of those with a cap it clips. */
  addSteps({ count, gradNorm, cap }: CappedSteps): void {
    if (gradNorm === undefined) return
    for (let i = 0; i < count; i++) {
      const norm = readingOf(gradNorm, i)
      if (norm === undefined) continue
      this.#readings++
      const ownCap = capOfStep(readingOf(cap, i), Infinity)
      if (ownCap === Infinity || !Number.isFinite(norm)) continue
      this.#judged++
      if (norm > clippedAbove(ownCap)) this.#clipped++
    }
    this.#norms.add(gradNorm)
  }

  addLosses(losses: Float32Array | Float64Array): void {
    this.#moves.add(losses)
    this.#losses.add(losses)
  }

  /** Adds losses from step `start` on that were summed up before. See `lastLossesFrom`. */
  addLossSums(sums: LossSums, start: number): void {
    this.#summed.push({ start, before: this.#moves.finite, until: this.#moves.finite + sums.finite })
    this.#moves.addSums(sums)
  }

  /**
   * Once all losses are added: the step from which on they are to be added again by `addLastLosses`, because sums do not hold
   * the last ones. `undefined`: they are known.
   */
  get lastLossesFrom(): number | undefined {
    const { finite } = this.#moves
    const first = finite - lastOf(finite)
    if (finite === 0 || !this.#summed.some(({ until }) => until > first)) return undefined
    return this.#summed.findLast(({ before }) => before <= first)?.start ?? 0
  }

  addLastLosses(losses: Float32Array | Float64Array): void {
    this.#lastLosses ??= new LastLosses(lastOf(this.#moves.finite))
    this.#lastLosses.add(losses)
  }

  /** `rate`: the clip rate where it is known; else it is that of the steps that were added with their caps. */
  result(steps: MeasuredSteps, rate?: number | null): RunMeasures {
    return atOnce(this.resultInSlices(steps, rate))
  }

  /** The same for a run of many points. */
  *resultInSlices({ points, first, last }: MeasuredSteps, rate?: number | null): InSlices<RunMeasures> {
    const { quantiles } = yield* this.#norms.look([0.1, 0.5, 0.9, 0.99], [])
    const [p10 = null, p50 = null, p90 = null, p99 = null] = quantiles
    yield
    const final_loss = yield* (this.#lastLosses ?? this.#losses).median()
    const { moves, squares, readings, finite } = this.#moves
    const finiteNorms = this.#norms.count + this.#norms.below0
    const seconds = first === undefined || last === undefined ? NaN : last.time - first.time
    const counted = this.#judged === 0 ? null : this.#clipped / this.#judged
    return {
      points,
      steps: first === undefined || last === undefined ? 0 : last.step - first.step + 1,
      seconds: Number.isNaN(seconds) ? null : seconds,
      final_loss,
      loss_roughness: moves === 0 ? null : Math.sqrt(squares / moves),
      norm_quantiles: { p10, p50, p90, p99 },
      clip_rate: rate === undefined ? counted : rate,
      nonfinite: this.#readings - finiteNorms + readings - finite,
    }
  }
}
