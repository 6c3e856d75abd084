import type { PointColumns } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BadCursor, RunNotFound, StoreUnavailable, type Judgement, type Store } from './store.ts'
import { columns, judgement } from './store.fixture.ts'

/** What every engine promises. `open` gives an empty store each time. */
export function describeStore(engine: string, open: () => Promise<Store>): void {
  describe(`${engine} store`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    const append = (
      run: string,
      points: PointColumns,
      { arrivedAt = 1_000_000, ...judged }: Partial<Judgement> & { arrivedAt?: number } = {},
    ) =>
      store.points.append({
        run,
        columns: points,
        arrivedAt,
        judgement: { ...judgement, ...judged },
        changes: [],
        state: () => ({ seen: points.step.length }),
      })

    it('creates a run with defaults and updates the fields given', async () => {
      const { run, created } = await store.runs.put('a', {}, 1000)
      expect(created).toBe(true)
      expect(run).toMatchObject({
        id: 'a',
        project: 'default',
        name: 'a',
        status: 'running',
        clip: { mode: 'none', max_norm: null },
        created_at: 1000,
        points: 0,
        last_step: null,
        latest: {},
        health: 'unknown',
      })
      const again = await store.runs.put('a', { name: 'b', config: { lr: 1 } }, 2000)
      expect(again.created).toBe(false)
      expect(again.run).toMatchObject({ name: 'b', project: 'default', config: { lr: 1 } })
      expect(await store.runs.get('a')).toEqual(again.run)
    })

    it('refuses what names an unknown run, and the batches beside it go in', async () => {
      await store.runs.put('a', {}, 0)
      const good = append('a', columns([0, 1], { loss: [1, 2] }))
      const bad = append('b', columns([0], { loss: [1] }))
      await expect(bad).rejects.toBeInstanceOf(RunNotFound)
      expect(await good).toMatchObject({ points: 2, last_step: 1 })
      await expect(store.runs.get('b')).rejects.toBeInstanceOf(RunNotFound)
      await expect(store.points.metrics('b')).rejects.toBeInstanceOf(RunNotFound)
      await expect(store.points.detection('b')).rejects.toBeInstanceOf(RunNotFound)
      await expect(store.runs.delete('b')).rejects.toBeInstanceOf(RunNotFound)
    })

    it('replaces the readings given and leaves the others', async () => {
      await store.runs.put('a', {}, 0)
      await append('a', columns([0, 1, 2], { loss: [1, 2, 3], lr: [9, 9, 9] }))
      const run = await append('a', columns([1], { loss: [20] }))
      expect(run).toMatchObject({ points: 3, last_step: 2, latest: { loss: 3, lr: 9 } })
      const reply = await store.points.series({ run: 'a', metrics: ['loss', 'lr'], maxPoints: 10 })
      expect(reply).toMatchObject({ from: 0, to: 2, total: 3, bucket: 1 })
      expect(reply.series['loss']?.last).toEqual([1, 20, 3])
      expect(reply.series['lr']?.last).toEqual([9, 9, 9])
    })

    it('tells how much each project holds', async () => {
      expect(await store.runs.usage()).toEqual([])
      await store.runs.put('a', { project: 'p' }, 0)
      await store.runs.put('b', { project: 'p' }, 0)
      await store.runs.put('c', { project: 'q' }, 0)
      await append('a', columns([0], { loss: [1], 'layers/x': [2] }))
      await append('b', columns([0], { loss: [1] }))
      expect(await store.runs.usage()).toEqual([
        { project: 'p', runs: 2, series: 3 },
        { project: 'q', runs: 1, series: 0 },
      ])
    })

    it('keeps NaN and infinities as what they are and counts them', async () => {
      await store.runs.put('a', { clip: { mode: 'norm', max_norm: 1 } }, 0)
      const run = await append(
        'a',
        columns([0, 1, 2, 3], { grad_norm: [NaN, Infinity, 2, 0.5], loss: [-Infinity, 1, 1, 1] }),
      )
      expect(run).toMatchObject({ nonfinite: 3, latest: { grad_norm: 0.5 }, clipping: { rate_total: 0.5 } })
      const { series } = await store.points.series({ run: 'a', metrics: ['grad_norm'], maxPoints: 1 })
      expect(series['grad_norm']).toMatchObject({
        min: [0.5],
        max: [2],
        mean: [1.25],
        count: [4],
        nonfinite: [2],
        over: [1],
      })
    })

    it('takes a metric by any name, those of JavaScript too', async () => {
      await store.runs.put('a', {}, 0)
      const names = ['__proto__', 'constructor', 'toString']
      for (const at of [1, 2]) {
        const run = await append('a', columns([at], Object.fromEntries(names.map((name) => [name, [at]]))))
        expect(Object.entries(run.latest)).toEqual(names.map((name) => [name, at]))
      }
      const { series } = await store.points.series({ run: 'a', metrics: names, maxPoints: 2 })
      expect(Object.entries(series).map(([name, { max }]) => [name, max])).toEqual(
        names.map((name) => [name, [1, 2]]),
      )
    })

    it('gives the state saved last and the batches since', async () => {
      await store.runs.put('a', {}, 0)
      expect(await store.points.detection('a')).toEqual({ stale: false, state: undefined, since: [] })
      await store.findings.record('a', judgement, [], () => ({ n: 1 }))
      await append('a', columns([0], { loss: [1] }))
      const { state, since } = await store.points.detection('a')
      expect(state).toEqual({ n: 1 })
      expect(since).toEqual([{ arrivedAt: 1_000_000, columns: columns([0], { loss: [1] }) }])
    })

    it('says that a truncated record must be judged again', async () => {
      await store.runs.put('a', {}, 0)
      await append('a', columns([0, 1, 2, 3], { loss: [1, 2, NaN, 4] }))
      const run = await store.runs.patch('a', { truncate_after: 1 }, 5)
      expect(run).toMatchObject({ points: 2, last_step: 1, nonfinite: 0, latest: { loss: 2 } })
      expect(await store.points.detection('a')).toEqual({ stale: true, state: undefined, since: [] })
      await store.points.rejudge('a', judgement, { n: 2 }, [])
      expect(await store.points.detection('a')).toEqual({ stale: false, state: { n: 2 }, since: [] })
    })

    it('lists runs that need attention first, page by page', async () => {
      for (const id of ['ok', 'flagged', 'watch', 'done']) await store.runs.put(id, {}, 0)
      await append('flagged', columns([0], {}), { health: 'flagged' })
      await append('watch', columns([0], {}), { health: 'watch' })
      await store.runs.patch('done', { status: 'finished' }, 9)
      const first = await store.runs.list({ limit: 3 })
      expect(first.runs.map(({ id }) => id)).toEqual(['flagged', 'watch', 'ok'])
      const next = await store.runs.list({ limit: 3, cursor: first.next_cursor ?? '' })
      expect(next.runs.map(({ id }) => id)).toEqual(['done'])
      expect(next.next_cursor).toBeNull()
      await expect(store.runs.list({ limit: 1, cursor: 'x' })).rejects.toBeInstanceOf(BadCursor)
    })

    it('removes a run for every reader', async () => {
      await store.runs.put('a', {}, 0)
      await append('a', columns([0], { loss: [1] }))
      await store.runs.delete('a')
      await expect(store.runs.get('a')).rejects.toBeInstanceOf(RunNotFound)
      expect((await store.runs.put('a', {}, 0)).run.points).toBe(0)
      expect((await store.points.series({ run: 'a', metrics: ['loss'], maxPoints: 9 })).total).toBe(0)
    })

    it('rejects whatever comes after it is closed', async () => {
      await store.check()
      await store.close()
      await expect(store.runs.put('a', {}, 0)).rejects.toBeInstanceOf(StoreUnavailable)
      await expect(store.runs.get('a')).rejects.toBeInstanceOf(StoreUnavailable)
    })
  })
}
