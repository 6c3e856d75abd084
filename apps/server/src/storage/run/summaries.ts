import {
  EMPTY_PAGE,
  decodePage,
  editPage,
  encodePage,
  leavesAPage,
  type SummaryPage,
} from '../leaf/summary-page.ts'
import { leavesOf } from '../leaf/record.ts'
import type { LeafSummary, MetricSummary } from '../leaf/summary.ts'
import { openPage, sealPage } from './blob.ts'
import { metricsByBlock } from './leaves.ts'

/** A page and the step from which on it holds the leaves, up to the next page's. */
export interface StoredPage {
  readonly first: number
  readonly page: SummaryPage
}

export interface PageRow {
  readonly first: number
  readonly page: Uint8Array
}

/** A page in its stored form that takes the place of the one that begins at `first`; `null`: it is removed. */
export interface PageEdit {
  readonly first: number
  readonly page: Uint8Array | null
}

/** Leaves that take the place of others. */
export interface LeafEdits {
  /** Where the others started. */
  readonly removed: ReadonlySet<number>
  /** Ascending by start, by block of metrics. */
  readonly added: readonly ReadonlyMap<number, LeafSummary>[]
  /** Whether the leaf that starts there differs in a block from what is stored. */
  readonly isChanged: (start: number, block: number) => boolean
}

/** The rows of summaries' pages. */
export interface PageRows {
  /** The last page that begins at or below `first`. */
  from(run: number, block: number, first: number): PageRow | undefined
  /** The page before, and the one behind. */
  before(run: number, block: number, first: number): PageRow | undefined
  after(run: number, block: number, first: number): PageRow | undefined
  /** Where so many pages further on one begins. */
  firstAfter(run: number, block: number, first: number, pages: number): number | undefined
  /** The pages that begin from `first` to `last`, ascending. */
  range(run: number, block: number, first: number, last: number): readonly PageRow[]
  /** Puts the page in place of the one that begins there. */
  save(run: number, block: number, first: number, page: Uint8Array): void
  remove(run: number, block: number, first: number): void
  /** Removes the pages that begin above `first`. */
  removeAfter(run: number, block: number, first: number): void
}

/** A leaf's summary as each block of metrics holds it: the directory, which is block 0, always does. */
export function splitByBlock(summary: LeafSummary): Map<number, LeafSummary> {
  const parts = new Map<number, LeafSummary>()
  for (const [block, metrics] of metricsByBlock(summary.metrics.keys())) {
    const here = metrics.map((metric) => [metric, summary.metrics.get(metric) as MetricSummary] as const)
    parts.set(block, { ...summary, metrics: new Map(here) })
  }
  return parts
}

/** A page of the directory in its stored form, and back. */
export const storedForm = (page: SummaryPage): Uint8Array => sealPage(encodePage(page))
export const pageIn = (stored: Uint8Array): SummaryPage => decodePage(openPage(stored))

/** The table of summaries: pages of up to 32 leaves a block of metrics; those of block 0 are the directory of leaves. */
export function openSummaries(stored: PageRows) {
  const decoded = (row: PageRow | undefined): StoredPage | undefined =>
    row && { first: row.first, page: pageIn(row.page) }

  /** The page that holds, or would hold, a leaf that starts at `start`. */
  const pageFor = (run: number, block: number, start: number): StoredPage =>
    decoded(stored.from(run, block, start)) ?? { first: 0, page: EMPTY_PAGE }

  /** What the pages of a block become with these leaves, of a run with so many metrics. */
  function editsOf(run: number, block: number, edits: LeafEdits, metrics: number): PageEdit[] {
    const isHere = (start: number) => edits.isChanged(start, block)
    const removed = new Set([...edits.removed].filter(isHere))
    const added = edits.added
      .flatMap((blocks) => blocks.get(block) ?? [])
      .filter(({ start }) => isHere(start))
    const starts = [...removed, ...added.map(({ start }) => start)].sort((a, b) => a - b)
    const pages: PageEdit[] = []
    for (let i = 0; i < starts.length;) {
      const { first, page } = pageFor(run, block, starts[i] as number)
      const end = stored.firstAfter(run, block, first, 1) ?? Infinity
      const here = added.filter(({ start }) => start >= first && start < end)
      while (i < starts.length && (starts[i] as number) < end) i++
      if (page.count === 0 && here.length === 0) continue
      const [head = EMPTY_PAGE, ...others] = editPage(page, removed, here, leavesAPage(metrics))
      pages.push({ first, page: head.count === 0 && first !== 0 ? null : storedForm(head) })
      for (const other of others) pages.push({ first: other.firstStart, page: storedForm(other) })
    }
    return pages
  }

  return {
    /** The pages that hold the leaves with steps from `from` to `to`, and perhaps neighbours. */
    pages(run: number, block: number, from: number, to: number): StoredPage[] {
      let first = decoded(stored.from(run, block, from))
      if (first === undefined) return []
      // a leaf may reach past the step where the next page begins
      while (first.first > 0 && first.page.lastFrom(from) < 0) {
        const before = decoded(stored.before(run, block, first.first))
        if (before === undefined) break
        first = before
      }
      return stored.range(run, block, first.first, to).map((row) => decoded(row) as StoredPage)
    },

    /** The page before, and the page behind, in the directory. */
    before: (run: number, first: number) => decoded(stored.before(run, 0, first)),
    after: (run: number, first: number) => decoded(stored.after(run, 0, first)),
    pageFor: (run: number, step: number) => pageFor(run, 0, step),
    /** Where so many pages behind the one that begins at `first` one begins. */
    firstAfter: (run: number, first: number, pages: number) => stored.firstAfter(run, 0, first, pages),

    editsOf,

    edit(run: number, block: number, edits: readonly PageEdit[]): void {
      for (const { first, page } of edits) {
        if (page === null) stored.remove(run, block, first)
        else stored.save(run, block, first, page)
      }
    },

    /** The directory's pages as they are stored, ascending; the one behind `first`. */
    storedPages: (run: number) => stored.range(run, 0, 0, Infinity),
    storedAfter: (run: number, first: number) => stored.after(run, 0, first),

    /** Removes the leaves that start at `start` or above it. */
    cut(run: number, block: number, start: number): void {
      const { first, page } = pageFor(run, block, start)
      stored.removeAfter(run, block, first)
      const removed = Array.from(leavesOf([page]), (leaf) => leaf.start).filter((other) => other >= start)
      const [kept] = editPage(page, new Set(removed), [])
      if (kept !== undefined || first === 0) stored.save(run, block, first, storedForm(kept ?? EMPTY_PAGE))
      else stored.remove(run, block, first)
    },

    /** Puts a changed page of the directory, in its stored form, in the place of the one before. */
    replace(run: number, { first, page }: PageRow): void {
      stored.save(run, 0, first, page)
    },
  }
}
export type SummaryTable = ReturnType<typeof openSummaries>
