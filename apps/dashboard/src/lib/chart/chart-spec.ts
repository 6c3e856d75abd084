import type { ChartColumns, Mark } from '#lib/chart/columns.ts'
import type { ColourName } from '#lib/chart/palette.svelte.ts'

/** A horizontal line that means something, such as the level at which a finding fires. */
export interface Guide {
  readonly value: number
  readonly label: string
}

/** A finding on the x axis. */
export interface Span {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly colour: ColourName
}

/** What a line chart shows; all x are in the unit of the axis. */
export interface Picture {
  readonly columns: ChartColumns
  /** Both ends of the x axis. */
  readonly min: number
  readonly max: number
  readonly cap?: readonly (number | null)[] | undefined
  readonly capLabel?: string | undefined
  readonly post?: readonly (number | null)[] | undefined
  /** A smoothed line over the raw one, which then is faint. */
  readonly smooth?: readonly (number | null)[] | undefined
  readonly nonfinite?: readonly Mark[] | undefined
  /** Readings at or below 0, which a log axis cannot show. */
  readonly belowAxis?: readonly Mark[] | undefined
  readonly guides?: readonly Guide[] | undefined
  readonly spans?: readonly Span[] | undefined
  /** Where events are, ascending. */
  readonly events?: readonly number[] | undefined
}

/** What a person does with a chart, in units of its x axis. */
export interface Gestures {
  readonly zoomTo: (from: number, to: number) => void
  readonly zoomAt: (x: number, factor: number) => void
  /** Both ends of the x axis, in either order, put there by hand; the record's own ends are kept. */
  readonly moveTo: (left: number, right: number) => void
  readonly reset: () => void
  readonly hover: (x: number | null) => void
  /** Where the cursor is, put there by hand or by keys; `null` when it is nowhere. */
  readonly cursor: number | null
}
