import { SvelteSet } from 'svelte/reactivity'
import { MAX_COMPARED } from '#lib/chart/run-strokes.ts'

/** The runs that a person has chosen to compare, in the order they were chosen. */
export class RunSelection {
  readonly #ids = new SvelteSet<string>()

  get size(): number {
    return this.#ids.size
  }
  get isFull(): boolean {
    return this.#ids.size >= MAX_COMPARED
  }
  get canCompare(): boolean {
    return this.#ids.size >= 2
  }
  /** `run=a&run=b`; ids have no character that an address would have to escape. */
  get query(): string {
    return [...this.#ids].map((id) => `run=${id}`).join('&')
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }
  /** Chooses the run, or no longer; beyond the most that are compared at once, nothing. */
  toggle(id: string | undefined): void {
    if (id === undefined || this.#ids.delete(id) || this.isFull) return
    this.#ids.add(id)
  }
  clear(): void {
    this.#ids.clear()
  }
}
