import { othersTurns } from '../in-slices.ts'

/** Readings looked at in one turn: a few milliseconds of work. */
const READINGS_A_TURN = 2 ** 16

/** Readings that take as long as what is stored of a stretch. */
export const A_STRETCH = READINGS_A_TURN / 4

/** Gives others their turn after so many readings. */
export class Pace {
  #readings = 0

  async did(readings: number): Promise<void> {
    this.#readings += readings
    if (this.#readings < READINGS_A_TURN) return
    this.#readings = 0
    await othersTurns()
  }
}
