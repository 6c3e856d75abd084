import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { append as appendTo, columns } from './store.fixture.ts'
import { RunNotFound, type Store } from './store.ts'

/** An empty store, and what its operator may do with it besides. */
export interface Upkept {
  readonly store: Store
  /** Closes the store and opens it again. */
  reopen(): Promise<Store>
  /** Opens a backup made at this moment, while the store is in use. */
  openBackup(): Promise<Store>
  /** Bytes that the data takes. */
  size(): number | Promise<number>
}

const STEPS = 1_000_000
const BATCH = 10_000
const norms = Array.from({ length: STEPS }, (_, step) => Math.sin(step) + 2)
/** Bytes that a store may keep for the next points. */
const KEPT = 2e6
const limits = { timeout: 300_000 }

/** Backups, and the space of what is removed. */
export function describeUpkeep(engine: string, open: () => Promise<Upkept>): void {
  describe(`${engine} store in operation`, limits, () => {
    let opened: Upkept
    let store: Store
    beforeEach(async () => {
      opened = await open()
      ;({ store } = opened)
    })
    afterEach(() => store.close())

    const append = (run: string, from: number, to: number, arrivedAt = 1_764_000_000_000) => {
      const steps = Array.from({ length: to - from }, (_, i) => from + i)
      return appendTo(store, {
        run,
        columns: columns(steps, { grad_norm: norms.slice(from, to) }),
        arrivedAt,
        state: to % 900 === 0 ? String(to) : undefined,
      })
    }
    const fill = async (run: string, arrivedAt?: number) => {
      await store.runs.put(run, {}, 0)
      for (let from = 0; from < STEPS; from += BATCH) await append(run, from, from + BATCH, arrivedAt)
    }
    const readings = async (of: Store, run: string) => {
      const read: number[] = []
      for await (const { metrics } of of.points.read(run, {})) {
        read.push(...(metrics.get('grad_norm')?.values ?? []))
      }
      return read
    }
    /** What the data takes when everything is in its place. */
    const settledSize = async () => {
      store = await opened.reopen()
      return opened.size()
    }
    const timed = async (work: () => Promise<void>) => {
      const begin = performance.now()
      await work()
      return performance.now() - begin
    }
    /** Until nine tenths of what was added are given back. */
    const expectSpaceBack = async (empty: number, filled: number) => {
      expect(filled - empty).toBeGreaterThan(4 * KEPT)
      await expect
        .poll(() => opened.size(), { timeout: 30_000 })
        .toBeLessThan(empty + (filled - empty) / 10 + KEPT)
    }

    it('is backed up while it is written: a copy has all that was acknowledged, and is a store', async () => {
      await store.runs.put('run', { notes: 'kept', clip: { mode: 'norm', max_norm: 2 } }, 0)
      await store.settings.put({ project: 'default' }, { spike: { enabled: false } })
      for (let from = 0; from < 30_000; from += 300) await append('run', from, from + 300)
      const late = append('run', 30_000, 30_300)
      const copy = await opened.openBackup()
      await late
      await append('run', 30_300, 30_600)
      try {
        const { points, notes, clipping } = await copy.runs.get('run')
        expect([30_000, 30_300]).toContain(points)
        expect(notes).toBe('kept')
        expect(clipping.rate_total).toBe(norms.slice(0, points).filter((norm) => norm > 2).length / points)
        expect(await readings(copy, 'run')).toEqual(norms.slice(0, points))
        expect(await copy.settings.get({ project: 'default' })).toEqual({ spike: { enabled: false } })
        const { state, since } = await copy.points.detection('run')
        expect(since.reduce((sum, { columns }) => sum + columns.step.length, Number(state ?? 0))).toBe(points)
        await copy.runs.patch('run', { truncate_after: 99 }, 0)
      } finally {
        await copy.close()
      }
      expect(await readings(store, 'run')).toEqual(norms.slice(0, 30_600))
    })

    it('deletes a large run at once and gives its space back, while others are stored', async () => {
      await fill('kept')
      const empty = await settledSize()
      const filling = await timed(() => fill('run'))
      const filled = await settledSize()
      expect(await timed(() => store.runs.delete('run'))).toBeLessThan(filling)
      await expect(store.runs.get('run')).rejects.toBeInstanceOf(RunNotFound)
      await store.runs.put('beside', {}, 0)
      for (let from = 0; from < 10_000; from += 100) await append('beside', from, from + 100)
      await expectSpaceBack(empty, filled)
      expect(await readings(store, 'kept')).toEqual(norms)
      expect(await readings(store, 'beside')).toEqual(norms.slice(0, 10_000))
    })

    it('gives back the space of runs that expire, also when it is closed before', async () => {
      await fill('kept')
      const empty = await settledSize()
      await fill('run', 1_000)
      const filled = await settledSize()
      expect(await store.runs.expire({ before: 2_000, project: 'default', limit: 10 })).toEqual(['run'])
      store = await opened.reopen()
      await expectSpaceBack(empty, filled)
      expect(await readings(store, 'kept')).toEqual(norms)
    })

    it('gives back the space of points that are truncated', async () => {
      const empty = await settledSize()
      await fill('run')
      const filled = await settledSize()
      await store.runs.patch('run', { truncate_after: 999 }, 0)
      await expectSpaceBack(empty, filled)
      expect(await readings(store, 'run')).toEqual(norms.slice(0, 1000))
    })
  })
}
