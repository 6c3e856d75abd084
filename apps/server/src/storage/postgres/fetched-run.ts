import type { LeafBlock, LeafRows } from '../run/leaves.ts'
import type { MetricRows } from '../run/metric-names.ts'
import type { RunDocuments, RunRow } from '../run/run-row.ts'
import type { RunRows } from '../run/run-tables.ts'
import type { PageRow, PageRows } from '../run/summaries.ts'
import { NO_DETECTION, type Detection, type DetectionRows, type TailRow, type TailRows } from '../run/tail.ts'
import { Missing } from './missing.ts'
import { emptyWriteSet, type WriteSet } from './write-set.ts'

/** A run as it was loaded: everything but blobs. */
export interface Loaded {
  readonly row: RunRow
  readonly documents: RunDocuments
  readonly names: readonly string[]
  readonly detection: Detection
  readonly newest: number | null
  /** Where each page of summaries begins, by block and then by step. */
  readonly pages: readonly { readonly block: number; readonly first: number }[]
}

/** Where a page of summaries begins. */
interface PagePlace {
  readonly block: number
  readonly first: number
}

const pageKey = ({ block, first }: PagePlace): string => `${block} ${first}`

/** What was fetched of a leaf. */
interface FetchedLeaf {
  /** The blocks there are, where all were fetched. */
  blocks?: readonly number[]
  /** By block and kind; `null`: the row does not exist. */
  readonly blobs: Map<string, Uint8Array | null>
}

/** Leaves fetched along with a missing one: this many at first, then twice as many each time. */
const READ_AHEAD = 4
const MAX_READ_AHEAD = 256
/** The same of pages of the blocks that follow. */
const BLOCKS_AHEAD = 1
const MAX_BLOCKS_AHEAD = 64

/**
 * The rows of one run at one version, fetched as units ask for them, and what the unit under way changes. The rows that
 * `run/` works on. `run` and `key` are ignored: there is only one run.
 */
export class FetchedRun {
  readonly #leaves = new Map<number, FetchedLeaf>()
  readonly #pageBlobs = new Map<string, Uint8Array>()
  /** The one range of leaves that was asked for last. */
  #range: { readonly key: string; readonly columns: readonly Uint8Array[] } | undefined
  #bytes = 0
  #tail: readonly TailRow[] | undefined
  #readAhead = READ_AHEAD
  #blocksAhead = BLOCKS_AHEAD
  /** The version of the run as stored; `undefined`: there is no run. */
  loadedVersion: number | undefined
  readonly #firstVersion: number
  #row: RunRow | undefined
  #documents: RunDocuments
  readonly #names: string[]
  #detection: Detection
  #newest: number | null
  /** First steps of pages, ascending, by block. */
  readonly #pages = new Map<number, number[]>()
  #writes = emptyWriteSet()

  /** `firstVersion`: the version of the run if a unit makes it. */
  constructor(loaded: Loaded | undefined, firstVersion: number) {
    this.#firstVersion = firstVersion
    this.#row = loaded?.row
    this.loadedVersion = loaded?.row.version
    this.#documents = loaded?.documents ?? { config: '{}', notes: '' }
    this.#names = [...(loaded?.names ?? [])]
    this.#detection = loaded?.detection ?? NO_DETECTION
    this.#newest = loaded?.newest ?? null
    for (const { block, first } of loaded?.pages ?? []) this.#firsts(block).push(first)
  }

  get row(): RunRow | undefined {
    return this.#row
  }

  /** What the last unit changed is stored. */
  stored(): void {
    this.loadedVersion = this.#row?.version
  }

  /** Bytes of blobs that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** Keeps blobs that were fetched at the same version. */
  inherit(other: FetchedRun): void {
    for (const [start, leaf] of other.#leaves) this.#leaves.set(start, leaf)
    for (const [key, page] of other.#pageBlobs) this.#pageBlobs.set(key, page)
    this.#bytes = other.#bytes
    this.#range = other.#range
    this.#tail = other.#tail
    this.#readAhead = other.#readAhead
    this.#blocksAhead = other.#blocksAhead
  }

  /** Drops what was fetched if it is more than this. */
  trim(maxBytes: number): void {
    this.#tail = undefined
    this.#range = undefined
    this.#readAhead = READ_AHEAD
    this.#blocksAhead = BLOCKS_AHEAD
    if (this.#bytes <= maxBytes) return
    this.#leaves.clear()
    this.#pageBlobs.clear()
    this.#bytes = 0
  }

  /** What the unit changed; the next one begins. */
  takeWrites(): WriteSet {
    const writes = this.#writes
    this.#writes = emptyWriteSet()
    for (const start of writes.leaves.keys()) this.#forgetLeaf(start)
    for (const { block, first, page } of writes.pages.values()) this.#keepPage(block, first, page)
    return writes
  }

  #fetchedLeaf(start: number): FetchedLeaf {
    let leaf = this.#leaves.get(start)
    if (leaf === undefined) this.#leaves.set(start, (leaf = { blobs: new Map() }))
    return leaf
  }

  #keepLeaf(start: number, block: number, what: keyof LeafBlock, blob: Uint8Array | null): void {
    const { blobs } = this.#fetchedLeaf(start)
    const key = `${block} ${what}`
    this.#bytes += (blob?.length ?? 0) - (blobs.get(key)?.length ?? 0)
    blobs.set(key, blob)
  }

  #forgetLeaf(start: number): void {
    for (const blob of this.#leaves.get(start)?.blobs.values() ?? []) this.#bytes -= blob?.length ?? 0
    this.#leaves.delete(start)
  }

  #firsts(block: number): number[] {
    let firsts = this.#pages.get(block)
    if (firsts === undefined) this.#pages.set(block, (firsts = []))
    return firsts
  }

  readonly runs: RunRows = {
    find: () => this.#row && { ...this.#row },
    documents: () => this.#documents,
    insert: (row) => {
      this.#row = { ...row, key: 0, version: this.#firstVersion }
      this.#writes.isNew = true
      return 0
    },
    update: (row) => {
      this.#row = { ...row }
      this.#writes.isEdited = true
    },
    move: (row) => {
      this.#row = { ...row }
      this.#writes.isMoved = true
    },
    saveDocuments: (_, documents) => {
      this.#documents = documents
      this.#writes.documents = documents
    },
  }

  readonly metrics: MetricRows = {
    names: () => this.#names,
    insert: (_, number, name) => {
      this.#names[number] = name
      this.#writes.metrics.push({ number, name })
    },
  }

  readonly detections: DetectionRows = {
    markStale: () => this.detections.save(0, { ...this.#detection, stale: 1 }),
    get: () => this.#detection,
    save: (_, detection) => {
      if (detection.stale === 1 || this.#detection.stale === 1) this.#writes.isRestated = true
      this.#detection = detection
      this.#writes.detection = detection
    },
  }

  readonly tail: TailRows = {
    isFollowed: true,
    insert: (_, row) => {
      this.#newest = Math.max(this.#newest ?? 0, row.seq)
      this.#writes.tail.push(row)
    },
    behind: (_, seq) => {
      if (this.#row === undefined || this.#newest === null || seq >= this.#newest) return []
      if (this.#tail === undefined) {
        throw new Missing(async (fetch) => {
          this.#tail = await fetch<TailRow>(
            'select seq, arrived_at as "arrivedAt", columns from tail where run = $run order by seq',
          )
        })
      }
      return this.#tail.filter((row) => row.seq > seq)
    },
    removeThrough: (_, seq) => {
      this.#writes.tailThrough = Math.max(this.#writes.tailThrough, seq)
    },
    newest: () => this.#newest,
  }

  readonly leaves: LeafRows = {
    cells: (_, start, block) => this.#leafBlob(start, block, 'cells'),
    columns: (_, start, block) => this.#leafBlob(start, block, 'columns'),
    blocks: (_, start) => this.#blocksOf(start),
    range: (_, first, last, block) => this.#columnsOf(first, last, block),
    areBlocksApart: false,
    save: (_, start, block, cells, columns) => {
      this.#changedLeaf(start).set(block, { cells, columns })
    },
    remove: (_, start) => this.#changedLeaf(start).clear(),
    removeLast: (_, starts) => {
      for (const start of starts) this.#changedLeaf(start).clear()
    },
  }

  #changedLeaf(start: number): Map<number, LeafBlock> {
    let blocks = this.#writes.leaves.get(start)
    if (blocks === undefined) this.#writes.leaves.set(start, (blocks = new Map<number, LeafBlock>()))
    return blocks
  }

  #leafBlob(start: number, block: number, what: keyof LeafBlock): Uint8Array | undefined {
    const changed = this.#writes.leaves.get(start)
    if (changed !== undefined) return changed.get(block)?.[what]
    const blob = this.#leaves.get(start)?.blobs.get(`${block} ${what}`)
    if (blob === undefined) throw this.#missingLeaves(start, block, what)
    return blob ?? undefined
  }

  /** The leaf and some that follow it, which are most likely asked for next. */
  #missingLeaves(start: number, block: number, what: keyof LeafBlock): Missing {
    return new Missing(async (fetch) => {
      const rows = await fetch<{ start: number; blob: Uint8Array }>(
        `select start, ${what} as blob from leaves where run = $run and block = ? and start >= ? order by start limit ?`,
        block,
        start,
        this.#readAhead,
      )
      this.#readAhead = Math.min(MAX_READ_AHEAD, this.#readAhead * 2)
      this.#keepLeaf(start, block, what, null)
      for (const { start, blob } of rows) this.#keepLeaf(start, block, what, blob)
    })
  }

  #blocksOf(start: number): readonly Uint8Array[] {
    const changed = this.#writes.leaves.get(start)
    if (changed !== undefined) {
      return [...changed].sort(([a], [b]) => a - b).map(([, { columns }]) => columns)
    }
    const leaf = this.#leaves.get(start)
    if (leaf?.blocks === undefined) {
      throw new Missing(async (fetch) => {
        const rows = await fetch<{ block: number; columns: Uint8Array }>(
          'select block, columns from leaves where run = $run and start = ? order by block',
          start,
        )
        for (const { block, columns } of rows) this.#keepLeaf(start, block, 'columns', columns)
        this.#fetchedLeaf(start).blocks = rows.map(({ block }) => block)
      })
    }
    return leaf.blocks.map((block) => leaf.blobs.get(`${block} columns`) as Uint8Array)
  }

  /** No unit that changes leaves asks for this. */
  #columnsOf(first: number, last: number, block: number): readonly Uint8Array[] {
    const key = `${first} ${last} ${block}`
    if (this.#range?.key !== key) {
      throw new Missing(async (fetch) => {
        const rows = await fetch<{ columns: Uint8Array }>(
          'select columns from leaves where run = $run and start between ? and ? and block = ? order by start',
          first,
          last,
          block,
        )
        this.#range = { key, columns: rows.map(({ columns }) => columns) }
      })
    }
    return this.#range.columns
  }

  readonly summaries: PageRows = {
    from: (_, block, first) => {
      const place = this.#placeFrom(block, first)
      if (place !== undefined && this.#pageBlob(place) === undefined) throw this.#missingPages(block, first)
      return this.#page(block, place?.first)
    },
    before: (_, block, first) =>
      this.#page(
        block,
        this.#firsts(block).findLast((other) => other < first),
      ),
    after: (_, block, first) =>
      this.#page(
        block,
        this.#firsts(block).find((other) => other > first),
      ),
    firstAfter: (_, block, first, pages) => this.#firsts(block).filter((other) => other > first)[pages - 1],
    range: (_, block, first, last) =>
      this.#somePages(
        block,
        this.#firsts(block).filter((other) => other >= first && other <= last),
      ),
    save: (_, block, first, page) => {
      const firsts = this.#firsts(block)
      if (!firsts.includes(first)) {
        firsts.push(first)
        firsts.sort((a, b) => a - b)
      }
      this.#changePage(block, first, page)
    },
    remove: (_, block, first) => {
      const firsts = this.#firsts(block)
      const at = firsts.indexOf(first)
      if (at >= 0) firsts.splice(at, 1)
      this.#changePage(block, first, null)
    },
    removeAfter: (_, block, first) => {
      const after = this.#firsts(block).filter((other) => other > first)
      for (const other of after) this.summaries.remove(0, block, other)
    },
  }

  #changePage(block: number, first: number, page: Uint8Array | null): void {
    this.#writes.pages.set(pageKey({ block, first }), { block, first, page })
  }

  #keepPage(block: number, first: number, page: Uint8Array | null): void {
    const key = pageKey({ block, first })
    this.#bytes += (page?.length ?? 0) - (this.#pageBlobs.get(key)?.length ?? 0)
    if (page === null) this.#pageBlobs.delete(key)
    else this.#pageBlobs.set(key, page)
  }

  #page(block: number, first: number | undefined): PageRow | undefined {
    return first === undefined ? undefined : this.#somePages(block, [first])[0]
  }

  /** The last page of a block that begins at or below `first`. */
  #placeFrom(block: number, first: number): PagePlace | undefined {
    const found = this.#firsts(block).findLast((other) => other <= first)
    return found === undefined ? undefined : { block, first: found }
  }

  #pageBlob(place: PagePlace): Uint8Array | undefined {
    const key = pageKey(place)
    return this.#writes.pages.get(key)?.page ?? this.#pageBlobs.get(key)
  }

  /** That page, and those of some blocks that follow, which are most likely asked for next. */
  #missingPages(block: number, first: number): Missing {
    const blocks = Array.from({ length: this.#blocksAhead }, (_, i) => block + i)
    this.#blocksAhead = Math.min(MAX_BLOCKS_AHEAD, this.#blocksAhead * 2)
    const places = blocks.map((block) => this.#placeFrom(block, first)).filter((place) => place !== undefined)
    return this.#fetchingPages(places.filter((place) => this.#pageBlob(place) === undefined))
  }

  #fetchingPages(places: readonly PagePlace[]): Missing {
    return new Missing(async (fetch) => {
      const rows = await fetch<PageRow & { readonly block: number }>(
        `select block, first, page from summaries
         where run = $run and (block, first) in (select * from unnest(?::integer[], ?::bigint[]))`,
        places.map(({ block }) => block),
        places.map(({ first }) => first),
      )
      for (const { block, first, page } of rows) this.#keepPage(block, first, page)
    })
  }

  #somePages(block: number, firsts: readonly number[]): readonly PageRow[] {
    const places = firsts.map((first) => ({ block, first }))
    const missing = places.filter((place) => this.#pageBlob(place) === undefined)
    if (missing.length > 0) throw this.#fetchingPages(missing)
    return places.map((place) => ({ first: place.first, page: this.#pageBlob(place) as Uint8Array }))
  }
}
