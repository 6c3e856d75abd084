import { recall, remember } from '#lib/state/remembered.ts'

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string')

/** Which metrics have a small chart of their own, remembered in this browser for every run. */
export class ChartChoice {
  #chosen = $state.raw<readonly string[]>(recall('charts', ['lr'], isNames))

  get chosen(): readonly string[] {
    return this.#chosen
  }
  add(metric: string): void {
    this.#keep([...this.#chosen.filter((other) => other !== metric), metric])
  }
  hide(metric: string): void {
    this.#keep(this.#chosen.filter((other) => other !== metric))
  }

  #keep(chosen: readonly string[]): void {
    this.#chosen = chosen
    remember('charts', chosen)
  }
}
