import type { ColourName } from '#lib/chart/palette.svelte.ts'

/** The most runs that are compared at once: as many colours can be told apart. */
export const MAX_COMPARED = 8

const COLOURS = ['run1', 'run2', 'run3', 'run4', 'run5', 'run6', 'run7', 'run8'] as const
/** Lines and gaps in CSS pixels: a run is known by its dash too, not by its colour alone. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [], [8, 4], [2, 3], [10, 3, 2, 3]] as const

/** The colour of the compared run at this place, from 0. */
export function runColour(place: number): ColourName {
  return COLOURS[place % MAX_COMPARED] as ColourName
}

/** The dash of its line. */
export function runDash(place: number): readonly number[] {
  return DASHES[place % MAX_COMPARED] as readonly number[]
}
