import { MAX_LIMITED_PROJECTS } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TooManyLimits } from './limit-store.ts'
import { append, columns } from './store.fixture.ts'
import type { Store } from './store.ts'

/** What every engine promises of how much projects hold and may hold. */
export function describeLimits(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store's limits of projects`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    it('keeps the limits of each project, A to Z, and puts new ones in their place', async () => {
      await store.limits.put({ project: 'b', max_runs: 5, max_points: null })
      await store.limits.put({ project: 'a', max_runs: null, max_points: 2 ** 50 })
      await store.limits.put({ project: 'b', max_runs: null, max_points: 7 })
      expect(await store.limits.list()).toEqual([
        { project: 'a', max_runs: null, max_points: 2 ** 50 },
        { project: 'b', max_runs: null, max_points: 7 },
      ])
      await store.limits.put({ project: 'a', max_runs: null, max_points: null })
      expect((await store.limits.list()).map(({ project }) => project)).toEqual(['b'])
    })

    it(`keeps limits of at most ${MAX_LIMITED_PROJECTS} projects`, async () => {
      const limits = { max_runs: 1, max_points: null }
      const names = Array.from({ length: MAX_LIMITED_PROJECTS }, (_, i) => `p${i}`)
      while (names.length > 0) {
        await Promise.all(names.splice(0, 50).map((project) => store.limits.put({ project, ...limits })))
      }
      await expect(store.limits.put({ project: 'more', ...limits })).rejects.toBeInstanceOf(TooManyLimits)
      await store.limits.put({ project: 'p0', max_runs: 2, max_points: null })
      expect(await store.limits.list()).toHaveLength(MAX_LIMITED_PROJECTS)
    })

    it('says how much each project holds', async () => {
      expect(await store.runs.totals()).toEqual([])
      await store.runs.put('a', { project: 'p' }, 1_000)
      await store.runs.put('b', { project: 'p' }, 2_000)
      await store.runs.put('c', { project: 'q' }, 3_000)
      await append(store, { run: 'a', columns: columns([0, 1, 2], { loss: [1, 2, 3] }), arrivedAt: 9_000 })
      await append(store, { run: 'a', columns: columns([2, 3], { lr: [1, 2] }), arrivedAt: 9_500 })
      const layered = columns([0], { loss: [1], 'layers/x': [2] })
      await append(store, { run: 'b', columns: layered, arrivedAt: 5_000 })
      expect(await store.runs.totals()).toEqual([
        { project: 'p', runs: 2, points: 5, series: 4, last_arrival: 9_500 },
        { project: 'q', runs: 1, points: 0, series: 0, last_arrival: 3_000 },
      ])
    })

    it('says how many bytes the points of each project take', async () => {
      expect(await store.runs.sizes()).toEqual(new Map())
      for (const [run, project] of [
        ['a', 'p'],
        ['b', 'p'],
        ['c', 'q'],
      ] as const)
        await store.runs.put(run, { project }, 0)
      // norms without a pattern, which nothing makes smaller
      const norms = Array.from({ length: 20_000 }, (_, step) => Math.sin(step * 12.9898) * 43_758.5453)
      const batch = columns([...norms.keys()], { grad_norm: norms })
      for (const run of ['a', 'b', 'c']) await append(store, { run, columns: batch })
      const sizes = await store.runs.sizes()
      const [p = 0, q = 0] = [sizes.get('p'), sizes.get('q')]
      expect(q).toBeGreaterThan(20_000 * 4)
      expect(q).toBeLessThan(20_000 * 40)
      expect(p / q).toBeCloseTo(2, 1)
      await store.runs.delete('a')
      await store.runs.delete('b')
      expect([...(await store.runs.sizes()).keys()]).toEqual(['q'])
    })
  })
}
