import type { PointColumns } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aFinding } from '../alerts/fixtures/event.ts'
import {
  BadCursor,
  RunNotFound,
  StoreUnavailable,
  VersionConflict,
  type Judgement,
  type Store,
} from './store.ts'
import { append as appendTo, columns, judgement, record, rejudge } from './store.fixture.ts'

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
    ) => appendTo(store, { run, columns: points, arrivedAt, judgement: { ...judgement, ...judged } })

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
      expect(await store.points.detection('a')).toMatchObject({ stale: false, state: undefined, since: [] })
      await record(store, 'a', { state: '{"n":1}' })
      await append('a', columns([0], { loss: [1] }))
      const { state, since } = await store.points.detection('a')
      expect(state).toBe('{"n":1}')
      expect(since).toEqual([{ arrivedAt: 1_000_000, columns: columns([0], { loss: [1] }) }])
    })

    it('refuses a judgement based on an outdated version, and stores nothing of its unit', async () => {
      const { version } = (await store.runs.put('a', {}, 0)).run
      const batch = (at: number, version: number) => {
        const points = columns([at], { loss: [at] })
        return store.points.append({
          run: 'a',
          columns: points,
          arrivedAt: 0,
          version,
          judgement,
          changes: [],
        })
      }
      const outcomes = await Promise.allSettled([
        batch(0, version),
        batch(1, version + 1),
        batch(2, version),
        store.findings.record('a', { version, judgement: { ...judgement, health: 'flagged' }, changes: [] }),
        store.points.rejudge('a', { version, judgement, changes: [] }),
        batch(3, version + 2),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
      ])
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
      for (const reason of refused) expect(reason).toBeInstanceOf(VersionConflict)
      const { series } = await store.points.series({ run: 'a', metrics: ['loss'], maxPoints: 9 })
      expect(series['loss']?.step).toEqual([0, 1, 3])
      expect(await store.runs.get('a')).toMatchObject({ version: version + 3, points: 3, health: 'ok' })
    })

    it('counts every unit that changes a run in its version, over a reload too', async () => {
      const { version } = (await store.runs.put('a', {}, 0)).run
      await store.runs.put('a', { notes: 'x' }, 0)
      await store.runs.patch('a', { status: 'finished' }, 0)
      await record(store, 'a')
      await append('a', columns([0], { loss: [1] }))
      const run = await rejudge(store, 'a')
      expect(run.version).toBe(version + 5)
      expect((await store.runs.get('a')).version).toBe(version + 5)
    })

    it('keeps a state given with the version it belongs to, and the batches behind it', async () => {
      const { version } = (await store.runs.put('a', {}, 0)).run
      const batch = (at: number, state?: string) => ({
        run: 'a',
        columns: columns([at], { loss: [at] }),
        arrivedAt: 0,
        version: version + at,
        judgement,
        changes: [],
        state,
      })
      // all of them wait for one commit
      await Promise.all([0, 1, 2, 3].map((at) => store.points.append(batch(at, at === 1 ? '1' : undefined))))
      await store.runs.patch('a', { status: 'finished' }, 0)
      const { state, since } = await store.points.detection('a')
      expect(state).toBe('1')
      expect(since.map(({ columns }) => [...columns.step])).toEqual([[2], [3]])
    })

    it('ends a run with its findings, fields and status as one unit', async () => {
      const { version } = (await store.runs.put('a', {}, 0)).run
      const finding = aFinding({ id: 'f', run: 'a' })
      await record(store, 'a', { changes: [{ type: 'opened', finding }] })
      const closed = { closed_step: 5, closed_at: 7, close_reason: 'run_finished' } as const
      const ended = {
        version: version + 1,
        judgement: { ...judgement, health: 'watch' as const },
        changes: [{ type: 'closed' as const, id: 'f', ...closed }],
        state: '9',
      }
      const patch = { status: 'finished', notes: 'done' } as const
      await expect(store.runs.patch('a', patch, 7, { ...ended, version })).rejects.toBeInstanceOf(
        VersionConflict,
      )
      expect(await store.runs.get('a')).toMatchObject({ status: 'running', notes: '' })
      const run = await store.runs.patch('a', patch, 7, ended)
      expect(run).toMatchObject({ ...patch, ended_at: 7, health: 'watch' })
      expect((await store.findings.list({ run: 'a', limit: 9 })).findings).toMatchObject([closed])
      expect((await store.points.detection('a')).state).toBe('9')
    })

    it('says that a truncated record must be judged again', async () => {
      await store.runs.put('a', {}, 0)
      await append('a', columns([0, 1, 2, 3], { loss: [1, 2, NaN, 4] }))
      const run = await store.runs.patch('a', { truncate_after: 1 }, 5)
      expect(run).toMatchObject({ points: 2, last_step: 1, nonfinite: 0, latest: { loss: 2 } })
      expect(await store.points.detection('a')).toMatchObject({ stale: true, state: undefined, since: [] })
      await rejudge(store, 'a', { state: '{"n":2}' })
      expect(await store.points.detection('a')).toMatchObject({ stale: false, state: '{"n":2}', since: [] })
    })

    it('says so of a record whose cap was changed, whatever happens until it is', async () => {
      await store.runs.put('a', {}, 0)
      await append('a', columns([0], { grad_norm: [1] }))
      await store.runs.put('a', { clip: { mode: 'none', max_norm: null }, notes: 'the same cap' }, 0)
      expect(await store.points.detection('a')).toMatchObject({ stale: false })
      await store.runs.put('a', { clip: { mode: 'norm', max_norm: 2 } }, 0)
      await append('a', columns([1], { grad_norm: [1] }))
      expect(await store.points.detection('a')).toMatchObject({ stale: true, state: undefined, since: [] })
      await rejudge(store, 'a', { state: '1' })
      expect(await store.points.detection('a')).toMatchObject({ stale: false, state: '1' })
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
