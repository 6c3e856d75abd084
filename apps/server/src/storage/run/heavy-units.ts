import { othersTurns } from '../../in-slices.ts'
import type { CachedRun } from './cached-run.ts'
import { encodeBlock, leafKey, type EncodedLeaves, type LeafBlock } from './leaves.ts'
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
        if (cached.leaves.isAsEncoded(encoded)) cache.writeOut(cached, encoded)
      }
      const value = work(tables, cache)
      this.#note(run, cache)
      return value
    })
  }

  #note(run: string, cache: RunCache): void {
    const cached = cache.open(run)
    this.#heavy.delete(run)
    if (!cached.leaves.isHeavy) return
    this.#heavy.set(run, cache.isDue(cached))
    const [oldest] = this.#heavy.keys()
    if (this.#heavy.size > MAX_KNOWN && oldest !== undefined) this.#heavy.delete(oldest)
  }

  /** Encodes the run's changed leaves in slices; `undefined` where that is of no use: the unit then does what is left to do. */
  async #encode(run: string): Promise<EncodedLeaves | undefined> {
    let begun: Encoding | undefined
    try {
      for (;;) {
        const isDone = await this.#units.read(run, (tables, cache) => {
          const cached = cache.open(run)
          begun ??= encodingOf(tables, cached)
          return begun.encoded.version !== cached.row.version || encodeSome(tables, cached, begun)
        })
        if (isDone) return begun?.encoded
        await othersTurns()
      }
    } catch {
      // the unit meets the same fault, and says so
      this.#heavy.delete(run)
      return undefined
    }
  }
}

/** What is encoded, and what is left to be: blocks of leaves, then pages of their summaries. */
interface Encoding {
  readonly encoded: EncodedLeaves
  readonly blocks: { readonly key: string; readonly block: number; readonly metrics: readonly number[] }[]
  readonly pages: number[]
}

function encodingOf({ leaves }: RunTables, cached: CachedRun): Encoding {
  const changed = cached.leaves.toWrite()
  return {
    encoded: {
      version: cached.row.version,
      leaves: new Map(changed.map((leaf) => [leafKey(leaf), new Map<number, LeafBlock>()])),
      edits: cached.leaves.editsWith(changed),
      pages: new Map(),
    },
    blocks: changed.flatMap((leaf) =>
      leaves.blocksToWrite(leaf).map(([block, metrics]) => ({ key: leafKey(leaf), block, metrics })),
    ),
    pages: cached.leaves.blocks,
  }
}

/** Encodes for a few milliseconds; says whether nothing is left. */
function encodeSome(
  { summaries }: RunTables,
  cached: CachedRun,
  { encoded, blocks, pages }: Encoding,
): boolean {
  const began = performance.now()
  const isOver = () => performance.now() - began > SLICE_MS
  const leaves = new Map(cached.leaves.toWrite().map((leaf) => [leafKey(leaf), leaf]))
  for (let next = blocks.at(-1); next !== undefined; next = blocks.at(-1)) {
    if (isOver()) return false
    const { key, block, metrics } = next
    const leaf = leaves.get(key)
    // the run was loaded again, and its points are cut into other leaves
    if (leaf === undefined) return true
    encoded.leaves.get(key)?.set(block, encodeBlock(leaf, block, metrics))
    blocks.pop()
  }
  const { row, names } = cached
  for (let block = pages.at(-1); block !== undefined; block = pages.at(-1)) {
    if (isOver()) return false
    encoded.pages.set(block, summaries.editsOf(row.key, block, encoded.edits, names.size))
    pages.pop()
  }
  return true
}
