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

/** One block of a run's points in step order; the metrics it has. */
export interface MeasuredBlock {
  readonly step: Float64Array
  /** Unix seconds; NaN where unknown. */
  readonly time: Float64Array
  readonly gradNorm?: Column | undefined
  readonly loss?: Column | undefined
  readonly cap?: Column | undefined
  readonly clipFraction?: Column | undefined
}

/** Measures a run block by block, in step order. */
export class RunMeasurer {
  readonly #rule: ClipRule
  readonly #norms = new NormRecord()
  readonly #losses = new LastLosses()
  #points = 0
  #firstStep = NaN
  #lastStep = NaN
  #firstTime = NaN
  #lastTime = NaN
  #previousLoss = NaN
  #moves = 0
  #squares = 0
  #judged = 0
  #clipped = 0
  #nonfinite = 0

  constructor(facts: RunFacts) {
    this.#rule = clipRule(facts.clip)
  }

  add(block: MeasuredBlock): void {
    const { step, time, gradNorm, loss } = block
    for (let i = 0; i < step.length; i++) {
      this.#addStep(step[i] as number, time[i] as number)
      if (has(loss, i)) this.#addLoss(loss.values[i] as number)
      if (has(gradNorm, i) && !Number.isFinite(gradNorm.values[i])) this.#nonfinite++
      const clipped = this.#isClipped(block, i)
      if (clipped === undefined) continue
      this.#judged++
      if (clipped) this.#clipped++
    }
    if (gradNorm !== undefined) this.#norms.add(gradNorm)
  }

  result(): RunMeasures {
    return atOnce(this.resultInSlices())
  }

  /** The same for a run of many points. */
  *resultInSlices(): InSlices<RunMeasures> {
    const { quantiles } = yield* this.#norms.look([0.1, 0.5, 0.9, 0.99], [])
    const [p10 = null, p50 = null, p90 = null, p99 = null] = quantiles
    yield
    const final_loss = yield* this.#losses.median()
    return {
      points: this.#points,
      steps: this.#points === 0 ? 0 : this.#lastStep - this.#firstStep + 1,
      seconds: Number.isNaN(this.#lastTime) ? null : this.#lastTime - this.#firstTime,
      final_loss,
      loss_roughness: this.#moves === 0 ? null : Math.sqrt(this.#squares / this.#moves),
      norm_quantiles: { p10, p50, p90, p99 },
      clip_rate: this.#judged === 0 ? null : this.#clipped / this.#judged,
      nonfinite: this.#nonfinite,
    }
  }

  #addStep(step: number, time: number): void {
    if (this.#points++ === 0) this.#firstStep = step
    this.#lastStep = step
    if (Number.isNaN(time)) return
    if (Number.isNaN(this.#firstTime)) this.#firstTime = time
    this.#lastTime = time
  }

  #addLoss(loss: number): void {
    if (Number.isFinite(loss)) {
      this.#losses.push(loss)
      const move = loss - this.#previousLoss
      if (!Number.isNaN(move)) {
        this.#squares += move * move
        this.#moves++
      }
    } else this.#nonfinite++
    this.#previousLoss = Number.isFinite(loss) ? loss : NaN
  }

  /** Of steps with a cap, or clipped by value; `undefined` for the others, which no rate speaks of. */
  #isClipped({ gradNorm, cap, clipFraction }: MeasuredBlock, i: number): boolean | undefined {
    const rule = this.#rule
    const ownCap = readingOf(cap, i)
    const hasCap = rule.by === 'fraction' || capOfStep(ownCap, rule.cap) < Infinity
    return hasCap ? isClipped(rule, readingOf(gradNorm, i), ownCap, readingOf(clipFraction, i)) : undefined
  }
}
