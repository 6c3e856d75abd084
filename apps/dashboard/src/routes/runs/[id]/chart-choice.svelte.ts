import { recall, remember } from '#lib/state/remembered.ts'

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string')

/** The metrics that had a chart of their own when a run was last looked at in this browser. */
export const rememberedCharts = (): readonly string[] => recall('charts', ['lr'], isNames)

/** Which metrics have a chart of their own, remembered in this browser for every run. */
export class ChartChoice {
  #chosen = $state.raw<readonly string[]>([])

  constructor(chosen: readonly string[]) {
    this.#chosen = chosen
  }

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
