import type { Database } from 'better-sqlite3'
import { EMPTY_PAGE, decodePage, editPage, encodePage, type SummaryPage } from '../../leaf/summary-page.ts'
import type { LeafSummary } from '../../leaf/summary.ts'
import { openPage, sealPage } from './blob.ts'
import { blockOf, blocksOf } from './leaves.ts'

/** A page and the step from which on it holds the leaves, up to the next page's. */
export interface StoredPage {
  readonly first: number
  readonly page: SummaryPage
}

interface PageRow {
  readonly first: number
  readonly page: Buffer
}

/** The table of summaries: pages of up to 32 leaves a block of metrics; those of block 0 are the directory of leaves. */
export function openSummaries(db: Database) {
  type Place = [run: number, block: number, first: number]
  const at = 'select first, page from summaries where run = ? and block = ? and first'
  const selectFrom = db.prepare<Place, PageRow>(`${at} <= ? order by first desc limit 1`)
  const selectBefore = db.prepare<Place, PageRow>(`${at} < ? order by first desc limit 1`)
  const selectAfter = db.prepare<Place, PageRow>(`${at} > ? order by first limit 1`)
  const selectRange = db.prepare<[...Place, number], PageRow>(`${at} >= ? and first <= ? order by first`)
  const save = db.prepare<[...Place, Uint8Array]>(
    `insert into summaries (run, block, first, page) values (?, ?, ?, ?)
     on conflict (run, block, first) do update set page = excluded.page`,
  )
  const remove = db.prepare<Place>('delete from summaries where run = ? and block = ? and first = ?')

  const decoded = (row: PageRow | undefined): StoredPage | undefined =>
    row && { first: row.first, page: decodePage(openPage(row.page)) }

  /** The page that holds, or would hold, a leaf that starts at `start`. */
  const pageFor = (run: number, block: number, start: number): StoredPage =>
    decoded(selectFrom.get(run, block, start)) ?? { first: 0, page: EMPTY_PAGE }

  function editBlock(
    run: number,
    block: number,
    removed: ReadonlySet<number>,
    added: readonly LeafSummary[],
  ): void {
    const starts = [...removed, ...added.map(({ start }) => start)].sort((a, b) => a - b)
    for (let i = 0; i < starts.length;) {
      const { first, page } = pageFor(run, block, starts[i] as number)
      const end = selectAfter.get(run, block, first)?.first ?? Infinity
      const here = added.filter(({ start }) => start >= first && start < end)
      while (i < starts.length && (starts[i] as number) < end) i++
      if (page.count === 0 && here.length === 0) continue
      const [head = EMPTY_PAGE, ...others] = editPage(
        page,
        removed,
        here,
        (metric) => blockOf(metric) === block,
      )
      if (head.count === 0 && first !== 0) remove.run(run, block, first)
      else save.run(run, block, first, sealPage(encodePage(head)))
      for (const other of others) save.run(run, block, other.firstStart, sealPage(encodePage(other)))
    }
  }

  return {
    /** The pages that hold the leaves with steps from `from` to `to`, and perhaps neighbours. */
    pages(run: number, block: number, from: number, to: number): StoredPage[] {
      let first = decoded(selectFrom.get(run, block, from))
      if (first === undefined) return []
      // a leaf may reach past the step where the next page begins
      while (first.first > 0 && first.page.lastFrom(from) < 0) {
        const before = decoded(selectBefore.get(run, block, first.first))
        if (before === undefined) break
        first = before
      }
      return selectRange.all(run, block, first.first, to).map((row) => decoded(row) as StoredPage)
    },

    /** The page before, and the page behind, in the directory. */
    before: (run: number, first: number) => decoded(selectBefore.get(run, 0, first)),
    after: (run: number, first: number) => decoded(selectAfter.get(run, 0, first)),
    pageFor: (run: number, step: number) => pageFor(run, 0, step),

    /** Takes out the leaves that started at `removed` and puts in `added`, ascending by start, in every block. */
    edit(
      run: number,
      metricCount: number,
      removed: ReadonlySet<number>,
      added: readonly LeafSummary[],
    ): void {
      for (const block of blocksOf(Array.from({ length: metricCount }, (_, metric) => metric))) {
        const here =
          block === 0
            ? added
            : added.filter(({ metrics }) => [...metrics.keys()].some((metric) => blockOf(metric) === block))
        editBlock(run, block, removed, here)
      }
    },

    /** Puts a changed page of the directory back in its place. */
    replace(run: number, { first, page }: StoredPage): void {
      save.run(run, 0, first, sealPage(encodePage(page)))
    },
  }
}
export type SummaryTable = ReturnType<typeof openSummaries>
