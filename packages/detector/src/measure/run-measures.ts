import { capOfStep, clipRule, isClipped, type ClipRule } from '../record/clipped-step.ts'
import type { RunFacts } from '../contract.ts'
import { has, readingOf, type Column } from '../series/columns.ts'
import { atOnce, type InSlices } from './in-slices.ts'
import { LastLosses } from './last-losses.ts'
import { NormRecord } from './norm-record.ts'

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

/** Rows of a run's points, with what decides whether each was clipped. */
export interface JudgedBlock {
  readonly count: number
  readonly gradNorm?: Column | undefined
  readonly cap?: Column | undefined
  readonly clipFraction?: Column | undefined
}

/** Measures a run by its readings, each metric block by block in the order of the steps. */
export class RunMeasurer {
  readonly #rule: ClipRule
  readonly #norms = new NormRecord()
  readonly #losses = new LastLosses()
  #previousLoss = NaN
  #moves = 0
  #squares = 0
  /** Norms added without what clips their steps: it is the cap of the run, where there is one. */
  #added = 0
  #judged = 0
  #clipped = 0
  #nonfinite = 0

  constructor(facts: RunFacts) {
    this.#rule = clipRule(facts.clip)
  }

  /**
   * Adds norms of steps without a cap of their own, in a run that is not clipped by value. Those of a run are added so, or all by
   * `addSteps`.
   */
  addNorms(norms: Float32Array | Float64Array): void {
    this.#added += norms.length
    this.#norms.add({ values: norms, present: null })
  }

  /** Adds the norms of a block, whatever it is that its steps are clipped by. */
  addSteps(block: JudgedBlock): void {
    const { count, gradNorm } = block
    for (let i = 0; i < count; i++) {
      if (has(gradNorm, i) && !Number.isFinite(gradNorm.values[i])) this.#nonfinite++
      const clipped = this.#isClipped(block, i)
      if (clipped === undefined) continue
      this.#judged++
      if (clipped) this.#clipped++
    }
    if (gradNorm !== undefined) this.#norms.add(gradNorm)
  }

  addLosses(losses: Float32Array | Float64Array): void {
    let [previous, moves, squares, nonfinite] = [this.#previousLoss, 0, this.#squares, 0]
    for (let i = 0; i < losses.length; i++) {
      const loss = losses[i] as number
      if (Number.isFinite(loss)) {
        const move = loss - previous
        if (!Number.isNaN(move)) {
          squares += move * move
          moves++
        }
        previous = loss
      } else {
        nonfinite++
        previous = NaN
      }
    }
    this.#previousLoss = previous
    this.#moves += moves
    this.#squares = squares
    this.#nonfinite += nonfinite
    this.#losses.add(losses)
  }

  result(steps: MeasuredSteps): RunMeasures {
    return atOnce(this.resultInSlices(steps))
  }

  /** The same for a run of many points. */
  *resultInSlices({ points, first, last }: MeasuredSteps): InSlices<RunMeasures> {
    const rule = this.#rule
    const cap = this.#added > 0 && rule.by === 'norm' ? rule.cap : Infinity
    const { quantiles, clipped } = yield* this.#norms.measure([0.1, 0.5, 0.9, 0.99], cap)
    const finite = this.#norms.count + this.#norms.below0
    const judged = this.#judged + (cap < Infinity ? finite : 0)
    const [p10 = null, p50 = null, p90 = null, p99 = null] = quantiles
    yield
    const final_loss = yield* this.#losses.median()
    const seconds = first === undefined || last === undefined ? NaN : last.time - first.time
    return {
      points,
      steps: first === undefined || last === undefined ? 0 : last.step - first.step + 1,
      seconds: Number.isNaN(seconds) ? null : seconds,
      final_loss,
      loss_roughness: this.#moves === 0 ? null : Math.sqrt(this.#squares / this.#moves),
      norm_quantiles: { p10, p50, p90, p99 },
      clip_rate: judged === 0 ? null : (this.#clipped + clipped) / judged,
      nonfinite: this.#nonfinite + (this.#added > 0 ? this.#added - finite : 0),
    }
  }

  /** Of steps with a cap, or clipped by value; `undefined` for the others, which no rate speaks of. */
  #isClipped({ gradNorm, cap, clipFraction }: JudgedBlock, i: number): boolean | undefined {
    const rule = this.#rule
    const ownCap = readingOf(cap, i)
    const hasCap = rule.by === 'fraction' || capOfStep(ownCap, rule.cap) < Infinity
    return hasCap ? isClipped(rule, readingOf(gradNorm, i), ownCap, readingOf(clipFraction, i)) : undefined
  }
}
