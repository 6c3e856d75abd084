import type { LayerShift } from '../contract.ts'
import type { Column } from '../series/columns.ts'
import { significant } from '../series/round.ts'
import { median } from '../series/statistics.ts'
import { levelShift } from './level-shift.ts'

const LIMIT = 5
/** Readings before the onset that tell a layer's level. */
const LEVEL = 50
/** Readings on either side in which a layer may have left its band. */
const LOOKED = 250
/** Layers that changed most, for which the step at which they left their band is looked up. */
const ASKED = 24
/** How surprising a shift must be, as for other metrics. */
const BAR = 2
/** All layers together must have grown by this factor, in squared norm, to speak of who carries it. */
const GROWN = 1.5
/** A layer that carries less of the growth is not named for it. */
const LEAST_SHARE = 0.1

interface Layer {
  readonly name: string
  readonly column: Column
  readonly before: number
  /** `null` if all its norms after the onset are non-finite. */
  readonly after: number | null
  readonly nonfiniteAt: number | null
}

/** Which layers' norms turned non-finite, left their band first, or carry the growth after an onset. Look at each, then ask. */
export class LayerSearch {
  readonly #step: Float64Array
  readonly #onset: number
  readonly #until: number
  readonly #layers: Layer[] = []

  /** `until`: the last step of what began at `onset`, as far as it is known. */
  constructor(step: Float64Array, onset: number, until: number) {
    this.#step = step
    this.#onset = onset
    this.#until = until
  }

  look(name: string, column: Column): void {
    const before: number[] = []
    const after: number[] = []
    let nonfiniteAt: number | null = null
    for (let i = this.#step.length - 1; i >= 0 && before.length < LEVEL; i--) {
      const step = this.#step[i] as number
      if (step > this.#until || column.present?.[i] === 0) continue
      const norm = column.values[i] as number
      const isFinite = Number.isFinite(norm)
      if (step < this.#onset) {
        if (isFinite) before.push(norm)
      } else if (isFinite) after.push(norm)
      else nonfiniteAt = step
    }
    if (before.length === 0 || (after.length === 0 && nonfiniteAt === null)) return
    const level = after.length === 0 ? null : median(after)
    this.#layers.push({ name, column, before: median(before), after: level, nonfiniteAt })
  }

  /** At most five: those that turned non-finite, by step; else those that left their band first, then those that carry the growth. */
  found(): LayerShift[] {
    if (this.#layers.length < 2) return []
    const total = (of: (layer: Layer) => number) =>
      this.#layers.reduce((sum, layer) => sum + of(layer) ** 2, 0)
    const before = total((layer) => layer.before)
    const after = total((layer) => layer.after ?? 0)
    const shown = (layer: Layer, at: number | null): LayerShift => ({
      layer: layer.name,
      at_step: at,
      lead: at === null ? null : at - this.#onset,
      share_before: before === 0 ? 0 : significant(layer.before ** 2 / before, 3),
      share_after: layer.after === null || after === 0 ? null : significant(layer.after ** 2 / after, 3),
      nonfinite: layer.nonfiniteAt !== null,
    })
    const nonfinite = this.#layers
      .filter(({ nonfiniteAt }) => nonfiniteAt !== null)
      .toSorted((a, b) => (a.nonfiniteAt as number) - (b.nonfiniteAt as number))
    if (nonfinite.length > 0) return nonfinite.slice(0, LIMIT).map((layer) => shown(layer, layer.nonfiniteAt))
    if (after < GROWN * before) return []
    const growth = (layer: Layer) => ((layer.after ?? 0) ** 2 - layer.before ** 2) / (after - before)
    const byGrowth = this.#layers.toSorted((a, b) => growth(b) - growth(a))
    const left = byGrowth.slice(0, ASKED).map((layer) => ({ layer, at: this.#leftAt(layer.column) }))
    const first = left.filter(({ at }) => at !== null).toSorted((a, b) => (a.at as number) - (b.at as number))
    const carriers = left.filter(({ layer }) => growth(layer) >= LEAST_SHARE)
    const [earliest] = first
    const named = new Set([...first.filter(({ at }) => at === earliest?.at).slice(0, 2), ...carriers])
    return [...named].slice(0, LIMIT).map(({ layer, at }) => shown(layer, at))
  }

  /** The step at which the layer left its band; `null` if unknown. */
  #leftAt({ values, present }: Column): number | null {
    const steps: number[] = []
    const logs: number[] = []
    let at = 0
    for (let i = 0; i < this.#step.length; i++) {
      const norm = values[i] as number
      if (present?.[i] === 0 || !(norm > 0 && norm < Infinity)) continue
      if ((this.#step[i] as number) < this.#onset) at++
      steps.push(this.#step[i] as number)
      logs.push(Math.log(norm))
    }
    const from = Math.max(0, at - LOOKED)
    const shift = levelShift(Float64Array.from(logs.slice(from, at + LOOKED)), at - from)
    return shift === undefined || shift.surprise < BAR ? null : (steps[from + shift.start] as number)
  }
}
