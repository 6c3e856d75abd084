import { othersTurns } from '../../in-slices.ts'
import { enclosing } from '../leaf/dyadic.ts'
import type { Leaf } from '../leaf/leaf.ts'
import type { CachedRun } from './cached-run.ts'
import { encodeBlock, leafKey, metricsByBlock, type EncodedLeaves, type LeafBlock } from './leaves.ts'
import type { RunCache } from './run-cache.ts'
import type { RunTables, RunUnits } from './run-tables.ts'

/** Milliseconds of encoding after which others get their turn. */
const SLICE_MS = 2
/** Runs known to be heavy; of others the leaves are encoded when they are written. */
const MAX_KNOWN = 1024

type Work<T> = (tables: RunTables, cache: RunCache) => T

/**
 * The units of an engine, where leaves with very many readings are encoded before the unit that writes them, in slices
 * between which others are served. Units of one run keep their order.
 */
export class HeavyUnits implements RunUnits {
  readonly #units: RunUnits
  /** Heavy runs, and whether their leaves are due to be written. */
  readonly #heavy = new Map<string, boolean>()
  /** The unit of each run that was the last to wait for leaves; resolves when that unit was handed on. */
  readonly #waiting = new Map<string, Promise<unknown>>()

  constructor(units: RunUnits) {
    this.#units = units
  }

  /** A unit that may write the run's leaves. */
  write<T>(run: string, work: Work<T>): Promise<T> {
    return this.#inOrder(run, this.#heavy.has(run), work)
  }

  /** A unit that stores a batch, which writes leaves only where they are due. */
  append<T>(run: string, work: Work<T>): Promise<T> {
    return this.#inOrder(run, this.#heavy.get(run) === true, work)
  }

  read: RunUnits['read'] = (run, work) => this.#units.read(run, work)

  watchLeaves: RunUnits['watchLeaves'] = (run, watcher) => this.#units.watchLeaves(run, watcher)

  makeRoom(): void {
    this.#units.makeRoom()
  }

  reclaim(): void {
    this.#units.reclaim()
  }

  #inOrder<T>(run: string, isDue: boolean, work: Work<T>): Promise<T> {
    const before = this.#waiting.get(run)
    if (before === undefined && !isDue) return this.#handOn(run, undefined, work)
    // an object, since a promise would be waited for
    const handedOn = (before ?? Promise.resolve())
      .then(() => (isDue ? this.#encode(run) : undefined))
      .then((encoded) => ({ result: this.#handOn(run, encoded, work) }))
    this.#waiting.set(run, handedOn)
    return handedOn.then(({ result }) => {
      if (this.#waiting.get(run) === handedOn) this.#waiting.delete(run)
      return result
    })
  }

  #handOn<T>(run: string, encoded: EncodedLeaves | undefined, work: Work<T>): Promise<T> {
    return this.#units.write(run, (tables, cache) => {
      if (encoded !== undefined) {
        const cached = cache.open(run)
        if (encoded.version === cached.row.version) cache.writeOut(cached, encoded)
      }
      const value = work(tables, cache)
      this.#note(run, cache)
      return value
    })
  }

  #note(run: string, cache: RunCache): void {
    const cached = cache.open(run)
    this.#heavy.delete(run)
    if (!cached.isHeavy) return
    this.#heavy.set(run, cache.isDue(cached))
    const [oldest] = this.#heavy.keys()
    if (this.#heavy.size > MAX_KNOWN && oldest !== undefined) this.#heavy.delete(oldest)
  }

  /** Encodes the run's changed leaves in slices; `undefined` where that is of no use: the unit then does what is left to do. */
  async #encode(run: string): Promise<EncodedLeaves | undefined> {
    let encoded: EncodedLeaves | undefined
    try {
      for (;;) {
        const isDone = await this.#units.read(run, (_, cache) => {
          const cached = cache.open(run)
          encoded ??= { version: cached.row.version, leaves: new Map() }
          return encoded.version !== cached.row.version || encodeSome(cached, encoded)
        })
        if (isDone) return encoded
        await othersTurns()
      }
    } catch {
      // the unit meets the same fault, and says so
      this.#heavy.delete(run)
      return undefined
    }
  }
}

/** Encodes blocks of changed leaves for a few milliseconds; says whether all are encoded. */
function encodeSome({ leaves }: CachedRun, encoded: EncodedLeaves): boolean {
  const began = performance.now()
  for (const leaf of leaves) {
    if (!leaf.dirty || leaf.count === 0) continue
    const form = asWritten(leaf)
    const key = leafKey(form)
    const blocks = encoded.leaves.get(key) ?? new Map<number, LeafBlock>()
    encoded.leaves.set(key, blocks)
    for (const [block, metrics] of metricsByBlock(leaf.columns.keys())) {
      if (blocks.has(block)) continue
      if (performance.now() - began > SLICE_MS) return false
      blocks.set(block, encodeBlock(form, block, metrics))
    }
  }
  return true
}

/** The leaf with the interval that it has when it is written: a full one is narrowed. */
function asWritten({ start, exponent, count, step, time, columns, limit }: Leaf) {
  const interval =
    count >= limit ? enclosing(step[0] as number, step[count - 1] as number) : { start, exponent }
  return { ...interval, count, step, time, columns }
}
