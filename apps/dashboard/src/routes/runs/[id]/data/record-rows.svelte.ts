import type { Run } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'
import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '#lib/api/client.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { blockAt, blocksOf, rowCount, withRows, type RowBlock } from './row-blocks.ts'

export interface Row {
  readonly step: number
  /** Unix seconds. */
  readonly time: number
  readonly readings: Readonly<Record<string, number>>
}

const MAX_POINTS = 4000
/** Blocks held; those fetched longest ago go first. */
const MAX_HELD = 40
/** The metrics that come first, in this order; the others follow as they are named. */
const FIRST = ['grad_norm', 'loss', 'lr', 'max_norm']

/** The rows of a run as it was when they were asked for, fetched block by block as they come on screen. */
export class RecordRows {
  readonly #api: Api
  readonly run: Run
  readonly metrics: readonly string[]
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  failure = $state('')
  #blocks = $state.raw<readonly RowBlock[]>([])
  readonly #held = new SvelteMap<number, readonly Row[]>()
  /** By the place of their block. */
  readonly #coming: (Promise<readonly Row[]> | undefined)[] = []

  constructor(api: Api, run: Run) {
    this.#api = api
    this.run = run
    const others = Object.keys(run.latest).filter((name) => !FIRST.includes(name))
    this.metrics = [...FIRST.filter((name) => name in run.latest), ...others.sort()]
  }

  readonly load = async (): Promise<void> => {
    try {
      if (this.metrics.length > 0) {
        const { id } = this.run
        this.#blocks = blocksOf(await this.#api.series(id, { metrics: this.metrics, maxPoints: MAX_POINTS }))
      }
      this.phase = 'ready'
    } catch (error) {
      this.#fail(error)
    }
  }

  get count(): number {
    return rowCount(this.#blocks)
  }

  /** The row at this place; `undefined` while it is not there yet. */
  at(row: number): Row | undefined {
    const place = blockAt(this.#blocks, 'first', row)
    return this.#held.get(place)?.[row - (this.#blocks[place]?.first ?? 0)]
  }

  /** Fetches what is missing of the rows from `first` to `end`, exclusive. */
  want(first: number, end: number): void {
    if (end <= first) return
    for (let place = blockAt(this.#blocks, 'first', first); ; place++) {
      const block = this.#blocks[place]
      if (block === undefined || block.first >= end) return
      void this.#fetch(place).catch(this.#fail)
    }
  }

  /** The index of the first row at this step or after it; the last row if there is none. */
  async placeOf(step: number): Promise<number> {
    const place = blockAt(this.#blocks, 'from', step)
    const rows = await this.#fetch(place)
    const within = rows.findIndex((row) => row.step >= step)
    const first = this.#blocks[place]?.first ?? 0
    return Math.min(this.count - 1, first + (within < 0 ? rows.length : within))
  }

  #fetch(place: number): Promise<readonly Row[]> {
    const held = this.#held.get(place)
    if (held !== undefined) return Promise.resolve(held)
    return (this.#coming[place] ??= this.#read(place).finally(() => (this.#coming[place] = undefined)))
  }

  async #read(place: number): Promise<readonly Row[]> {
    const { from, to } = this.#blocks[place] as RowBlock
    const rows = rowsOf(await this.#api.record(this.run.id, { from, to }, this.metrics))
    this.#blocks = withRows(this.#blocks, place, rows.length)
    this.#held.set(place, rows)
    for (const oldest of [...this.#held.keys()].slice(0, -MAX_HELD)) this.#held.delete(oldest)
    return rows
  }

  readonly #fail = (error: unknown): void => {
    this.failure = sentenceOf(error)
    this.phase = 'failed'
  }
}

function rowsOf(ndjson: string): Row[] {
  return ndjson
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { step, time, ...others } = JSON.parse(line) as Row & Record<string, never>
      const readings = Object.entries(others).map(([name, value]) => [name, decodeNumber(value) ?? NaN])
      return { step, time, readings: Object.fromEntries(readings) as Record<string, number> }
    })
}
