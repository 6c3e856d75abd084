import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { append, columns } from './store.fixture.ts'
import { RunNotFound, type ListedRun, type RunQuery, type Store } from './store.ts'

/** Lists, filters and the end of runs. */
export function describeRuns(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store of runs`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
      await store.runs.put('alpha', { project: 'vision', name: 'Große Läufe', tags: ['a', 'x"y'] }, 1000)
      await store.runs.put('beta', { project: 'vision', tags: ['ab', ','] }, 2000)
      await store.runs.put('gamma', { project: 'speech', name: 'clip 1.0' }, 3000)
      await store.runs.patch('gamma', { status: 'failed' }, 9000)
    })
    afterEach(() => store.close())

    const ids = async (query: Partial<RunQuery>) =>
      (await store.runs.list({ limit: 10, ...query })).runs.map(({ id }) => id)

    it.each<[Partial<RunQuery>, string[]]>([
      [{}, ['beta', 'alpha', 'gamma']],
      [{ sort: 'created' }, ['gamma', 'beta', 'alpha']],
      [{ sort: 'updated' }, ['gamma', 'beta', 'alpha']],
      [{ sort: 'name' }, ['alpha', 'beta', 'gamma']],
      [{ project: 'vision' }, ['beta', 'alpha']],
      [{ status: 'failed' }, ['gamma']],
      [{ health: 'flagged' }, []],
      [{ q: 'GROSSE' }, []],
      [{ q: 'gROßE lÄ' }, ['alpha']],
      [{ q: 'SPEECH' }, ['gamma']],
      [{ q: '%' }, []],
      [{ tag: 'a' }, ['alpha']],
      [{ tag: ',' }, ['beta']],
      [{ tag: 'x"y' }, ['alpha']],
    ])('lists %j', async (query, expected) => {
      expect(await ids(query)).toEqual(expected)
    })

    it.each(['attention', 'updated', 'created', 'name'] as const)(
      'pages through the order %s',
      async (sort) => {
        for (let i = 0; i < 20; i++)
          await store.runs.put(`run-${i}`, { name: `same ${i % 3}` }, 5000 + (i % 4))
        const all = await ids({ sort, limit: 100 })
        const paged: string[] = []
        let cursor: string | undefined
        do {
          const { runs, next_cursor } = await store.runs.list({ sort, limit: 4, cursor })
          paged.push(...runs.map(({ id }) => id))
          cursor = next_cursor ?? undefined
        } while (cursor !== undefined)
        expect(paged).toEqual(all)
      },
    )

    it('lists few of many runs in the order of all of them, page by page', async () => {
      await Promise.all(
        Array.from({ length: 1_200 }, async (_, i) => {
          const id = `run-${i}`
          const tags = i % 90 < 2 ? ['rare'] : []
          await store.runs.put(id, { name: `same ${i % 3}`, tags }, 5000 + (i % 4))
          if (i % 5 === 0) await store.runs.patch(id, { status: 'finished' }, 6000)
        }),
      )
      const pages = async (query: Partial<RunQuery>): Promise<ListedRun[]> => {
        const all: ListedRun[] = []
        let cursor: string | undefined
        do {
          const { runs, next_cursor } = await store.runs.list({ limit: 100, ...query, cursor })
          all.push(...runs)
          cursor = next_cursor ?? undefined
        } while (cursor !== undefined)
        return all
      }
      for (const sort of ['attention', 'updated', 'created', 'name'] as const) {
        const rare = (await pages({ sort })).filter(({ tags }) => tags.includes('rare'))
        expect(rare).toHaveLength(28)
        expect(await pages({ sort, tag: 'rare', limit: 9 })).toEqual(rare)
        expect(await pages({ sort, tag: 'rare', limit: 100 })).toEqual(rare)
        expect(await pages({ sort, tag: 'none' })).toEqual([])
      }
    })

    it('shows each change of a run in the next list, also of one that took the place of a removed one', async () => {
      const isShown = async () => {
        const { config: _, ...run } = await store.runs.get('alpha')
        expect((await store.runs.list({ limit: 10, q: 'alpha' })).runs).toEqual([run])
        expect((await store.runs.list({ limit: 10, q: 'alpha', withConfig: true })).runs).toEqual([
          { ...run, config: _ },
        ])
      }
      await isShown()
      await append(store, { run: 'alpha', columns: columns([1], { loss: [1] }), arrivedAt: 4000 })
      await isShown()
      const changes: Parameters<Store['runs']['patch']>[1][] = [
        { notes: 'a' },
        { name: 'alpha 2' },
        { tags: [] },
        { config: { lr: 1 } },
        { status: 'failed' },
      ]
      for (const fields of changes) {
        await store.runs.patch('alpha', fields, 4000)
        await isShown()
      }
      await store.runs.delete('alpha')
      await store.runs.put('alpha', { notes: 'another' }, 1000)
      await isShown()
    })

    it('keeps the instant at which a run ended until it runs again', async () => {
      expect((await store.runs.patch('gamma', { status: 'finished' }, 10_000)).ended_at).toBe(9_000)
      expect((await store.runs.patch('gamma', { status: 'running' }, 11_000)).ended_at).toBeNull()
      const first = await store.runs.running({ limit: 2 })
      expect(first.runs.map(({ id }) => id)).toEqual(['gamma', 'beta'])
      const second = await store.runs.running({ limit: 2, cursor: first.next_cursor ?? '' })
      expect(second).toMatchObject({ runs: [{ id: 'alpha' }], next_cursor: null })
    })

    it('names runs whose last arrival was noted by a clock that was ahead, and an edit mends it', async () => {
      await append(store, { run: 'alpha', columns: columns([1], { loss: [1] }), arrivedAt: 90_000 })
      expect(await store.runs.arrivedAfter(50_000)).toEqual(['alpha'])
      const { last_arrival, updated_at } = await store.runs.patch('alpha', {}, 50_000)
      expect([last_arrival, updated_at]).toEqual([50_000, 50_000])
      expect(await store.runs.arrivedAfter(50_000)).toEqual([])
    })

    it('removes the runs of a project that have been silent', async () => {
      await append(store, { run: 'alpha', columns: columns([1], { loss: [1] }), arrivedAt: 50_000 })
      expect(await store.runs.expire({ before: 2500, project: 'speech', limit: 10 })).toEqual([])
      expect(await store.runs.expire({ before: 40_000, project: 'vision', limit: 10 })).toEqual(['beta'])
      await expect(store.runs.get('beta')).rejects.toBeInstanceOf(RunNotFound)
      expect(await ids({})).toEqual(['alpha', 'gamma'])
    })

    it('finds those of many runs too, and adds up all of them', async () => {
      const many = Array.from({ length: 600 }, (_, i) => `many-${i}`)
      await Promise.all(
        many.map((id, i) => store.runs.put(id, { project: 'many' }, i < 590 ? 20_000 : 9_000)),
      )
      await append(store, { run: 'many-599', columns: columns([1, 2], { loss: [1, 2] }), arrivedAt: 90_000 })
      const totals = await store.runs.totals()
      expect(totals.map(({ project, runs }) => [project, runs])).toEqual([
        ['many', 600],
        ['speech', 1],
        ['vision', 2],
      ])
      expect(totals[0]).toMatchObject({ points: 2, series: 1, last_arrival: 90_000 })
      expect(await store.runs.arrivedAfter(50_000)).toEqual(['many-599'])
      const few = await store.runs.expire({ before: 10_000, project: 'many', limit: 4 })
      expect(few).toHaveLength(4)
      const others = await store.runs.expire({ before: 10_000, project: 'many', limit: 100 })
      expect([...few, ...others].sort()).toEqual(many.slice(590, 599))
      expect(await store.runs.expire({ before: 10_000, project: 'many', limit: 100 })).toEqual([])
    })
  })
}
