import { isAmong, patternOf } from '@normwatch/protocol'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aChannel, aFinding } from '../alerts/fixtures/event.ts'
import type { OpenWithClock } from './alert-store.contract.ts'
import { record } from './store.fixture.ts'
import type { Store } from './store.ts'

const PROJECTS = ['a', 'b-1', 'b-2', 'B-1', 'c%d', 'c_d', 'c\\d', 'c*d', 'c[d', 'c?d', 'cüd', 'default']
const name = fc.constantFrom(...PROJECTS)
const pattern = fc
  .array(
    fc.oneof(
      fc.constant('*'),
      fc.constantFrom('a', 'b', '-', 'c', 'd', '1', '%', '_', '?', '[').map(patternOf),
    ),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((parts) => parts.join(''))

/** What every engine promises of lists of some projects' runs, findings and deliveries. */
export function describeProjectLists(engine: string, open: OpenWithClock): void {
  describe(`${engine} store's lists of some projects`, () => {
    let store: Store
    let now: number
    beforeEach(async () => {
      now = Date.UTC(2026, 0, 1)
      store = await open(() => now)
      for (const [i, project] of PROJECTS.entries()) {
        for (const run of [`${i}-x`, `${i}-y`]) {
          await store.runs.put(run, { project }, 1_000 + i)
          const finding = aFinding({ id: `f-${run}`, run, opened_at: 1_000 + i })
          await record(store, run, { changes: [{ type: 'opened', finding }] })
        }
      }
    })
    afterEach(() => store.close())

    /** All pages of a list. */
    async function pages<T>(read: (cursor: string | undefined) => Promise<{ of: T[]; next: string | null }>) {
      const all: T[] = []
      let cursor: string | undefined
      do {
        const { of, next } = await read(cursor)
        all.push(...of)
        cursor = next ?? undefined
      } while (cursor !== undefined)
      return all
    }
    const runsIn = (projects: readonly string[], limit = 3) =>
      pages(async (cursor) => {
        const { runs, next_cursor } = await store.runs.list({ projects, limit, cursor })
        return { of: runs.map(({ project }) => project), next: next_cursor }
      })
    const findingsIn = (projects: readonly string[], limit = 3) =>
      pages(async (cursor) => {
        const { findings, next_cursor } = await store.findings.list({ projects, limit, cursor })
        return { of: findings.map(({ run }) => PROJECTS[Number.parseInt(run)] as string), next: next_cursor }
      })
    const twice = (projects: readonly string[]) => projects.flatMap((project) => [project, project]).sort()

    it('have the runs and findings of the projects that are matched, page by page, and no others', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(name.map(patternOf), pattern), { maxLength: 4 }),
          fc.integer({ min: 1, max: 9 }),
          async (projects, limit) => {
            const expected = twice(PROJECTS.filter((project) => isAmong(projects, project)))
            expect((await runsIn(projects, limit)).sort()).toEqual(expected)
            expect((await findingsIn(projects, limit)).sort()).toEqual(expected)
          },
        ),
        { numRuns: 25 },
      )
    })

    it('combine with a project that is named', async () => {
      const { runs } = await store.runs.list({ project: 'b-1', projects: ['a', 'b-*'], limit: 9 })
      expect(runs.map(({ id }) => id).sort()).toEqual(['1-x', '1-y'])
      expect((await store.runs.list({ project: 'b-1', projects: ['a'], limit: 9 })).runs).toEqual([])
      expect((await store.findings.list({ project: 'b-1', projects: ['a'], limit: 9 })).findings).toEqual([])
      expect((await store.runs.list({ projects: 'all', limit: 99 })).runs).toHaveLength(2 * PROJECTS.length)
    })

    it('have the deliveries about these projects, and of each the events of their runs alone', async () => {
      await store.channels.create(aChannel())
      for (const [run, project] of [
        ['p-1', 'p'],
        ['q-1', 'q'],
        ['r-1', 'r'],
      ] as const) {
        await store.runs.put(run, { project }, now)
      }
      const opening = (run: string, id: string) =>
        record(store, run, { changes: [{ type: 'opened', finding: aFinding({ id, run }) }] })
      await opening('p-1', 'f-p')
      await opening('q-1', 'f-q')
      now += 60_000
      await opening('r-1', 'f-r')
      const seen = async (query: object) =>
        (await store.deliveries.list({ limit: 50, ...query }, now)).deliveries.map(
          ({ events, event_count }) => [event_count, ...events.map(({ run }) => run)],
        )
      expect(await seen({})).toEqual([
        [1, 'r-1'],
        [2, 'p-1', 'q-1'],
      ])
      expect(await seen({ projects: ['p'] })).toEqual([[1, 'p-1']])
      expect(await seen({ projects: ['p', 'r*'] })).toEqual([
        [1, 'r-1'],
        [1, 'p-1'],
      ])
      expect(await seen({ projects: ['p', 'q'] })).toEqual([[2, 'p-1', 'q-1']])
      expect(await seen({ projects: ['p'], run: 'p-1' })).toEqual([[1, 'p-1']])
      expect(await seen({ projects: ['p'], finding: 'f-q' })).toEqual([])
      expect(await seen({ projects: [] })).toEqual([])
      await store.runs.delete('r-1')
      expect(await seen({ projects: ['r'] })).toEqual([])
      expect(await seen({ projects: 'all' })).toHaveLength(2)
      now += 60_000
      await store.runs.put('r-1', { project: 'p' }, now)
      expect(await seen({ projects: ['p'], run: 'r-1' })).toEqual([])
      expect(await seen({ projects: ['p'] })).toEqual([[1, 'p-1']])
      await opening('r-1', 'f-new')
      expect(await seen({ projects: ['p'], run: 'r-1' })).toEqual([[1, 'r-1']])
    })
  })
}
