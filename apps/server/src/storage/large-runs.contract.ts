import type { Clip, PointColumns } from '@normwatch/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NaiveRun } from './naive-run.fixture.ts'
import { append as appendTo, columns } from './store.fixture.ts'
import type { Store } from './store.ts'

/** Runs of many leaves and many metrics, against a plain map of points. */
export function describeLargeRuns(
  engine: string,
  open: () => Promise<{ store: Store; reopen: () => Promise<Store> }>,
): void {
  describe(`${engine} store of large runs`, { timeout: 300_000 }, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let store: Store
    let naive: NaiveRun
    beforeEach(async () => {
      opened = await open()
      ;({ store } = opened)
      naive = new NaiveRun()
      naive.clip = { mode: 'norm', max_norm: 1 }
      await store.runs.put('run', { clip: naive.clip }, 0)
    })
    afterEach(() => store.close())

    const append = async (points: PointColumns): Promise<void> => {
      const arrivedAt = 1_764_000_000_000
      naive.append(points, arrivedAt)
      await appendTo(store, { run: 'run', columns: points, arrivedAt, state: '0' })
    }
    const expectSame = async (metrics: readonly string[], from: number, to: number, maxPoints: number) => {
      const reply = await store.points.series({ run: 'run', metrics, from, to, maxPoints })
      expect(await store.points.extent('run', metrics)).toEqual(naive.extent(metrics))
      for (const metric of metrics) {
        expect(await store.points.extent('run', [metric])).toEqual(naive.extent([metric]))
        const { total, bucket, series } = naive.series(metric, from, to, maxPoints)
        expect({ total: reply.total, bucket: reply.bucket }).toEqual({ total, bucket })
        const { mean: _, over, ...exact } = series
        const { mean: __, ...sent } = reply.series[metric] as typeof series
        expect(sent).toEqual(metric.startsWith('grad_norm') ? { ...exact, over } : exact)
        const values: number[] = []
        for await (const block of store.points.readings('run', metric, { from, to })) values.push(...block)
        const expected = naive.sorted
          .filter(([step, { readings }]) => step >= from && step <= to && readings.has(metric))
          .map(([, { readings }]) => readings.get(metric))
        expect(values).toEqual(expected)
      }
    }
    const expectSameTotals = async () => {
      const { clipping, points, last_step, latest, nonfinite, parts } = await store.runs.get('run')
      expect({ points, last_step, latest, nonfinite, rate_total: clipping.rate_total, parts }).toEqual(
        naive.totals,
      )
    }
    const wave = (step: number): number => Math.round(Math.sin(step) * 1e6) / 1e6 + 1

    it('keeps late, scattered and repeated steps of a long run in place', async () => {
      for (let from = 0; from < 120_000; from += 10_000) {
        const steps = Array.from({ length: 10_000 }, (_, i) => from + i).filter((step) => step % 11 !== 3)
        await append(
          columns(steps, {
            grad_norm: steps.map(wave),
            loss: steps.map((step) => (step % 977 === 0 ? NaN : wave(step + 1))),
          }),
        )
      }
      const scattered = Array.from({ length: 900 }, (_, i) => i * 131)
      await append(
        columns(scattered, {
          grad_norm: scattered.map((step) => wave(step) + 2),
          max_norm: scattered.map((step) => (step % 2 === 0 ? 2.5 : null)),
        }),
      )
      await expectSameTotals()
      store = await opened.reopen()
      for (const [from, to, maxPoints] of [
        [0, 119_999, 1000],
        [5, 99_000, 400],
        [50_000, 60_000, 300],
        [777, 40_000, 4000],
      ] as const) {
        await expectSame(['grad_norm', 'loss', 'max_norm'], from, to, maxPoints)
      }
      naive.clip = { mode: 'norm', max_norm: 1.5 }
      await Promise.all([
        store.runs.patch('run', { clip: naive.clip }, 0),
        // leaves are written while the steps over the new cap are counted
        append(columns([10, 60_000, 119_000], { grad_norm: [9, 9, 9] })),
        append(
          columns(
            Array.from({ length: 5000 }, (_, i) => 120_000 + i),
            { grad_norm: Array.from({ length: 5000 }, (_, i) => wave(i)) },
          ),
        ),
      ])
      await expectSameTotals()
      await expectSame(['grad_norm'], 0, 200_000, 1000)
      naive.truncate(70_001)
      await store.runs.patch('run', { truncate_after: 70_001 }, 0)
      await expectSameTotals()
      await expectSame(['grad_norm', 'loss'], 0, 200_000, 500)
    })

    it('finds the steps that were logged in a range of time', async () => {
      const steps = Array.from({ length: 5000 }, (_, i) => i * 2)
      // a restart at step 6000 sets the clock back
      const times = steps.map((step) => 1000 + (step < 6000 ? step : step - 4000))
      await append(columns(steps, { loss: steps.map(wave) }, times))
      store = await opened.reopen()
      for (const [fromTime, toTime, from, to, total] of [
        [1100, 1200, 100, 200, 51],
        [4001, 5001, 3002, 8000, 2500],
        [6000.5, 6998, 5002, 9998, 2499],
        [9000, 9001, 0, -1, 0],
      ] as const) {
        const reply = await store.points.series({
          run: 'run',
          metrics: ['loss'],
          fromTime,
          toTime,
          maxPoints: 100,
        })
        expect([reply.from, reply.to, reply.total]).toEqual([from, to, total])
      }
    })

    it('recounts the steps over the edited caps of parts, while others are written', async () => {
      const wave = (step: number): number => Math.fround(Math.abs(2 * Math.sin(step)))
      naive.parts.set('a', { mode: 'none', max_norm: null })
      await store.runs.patch('run', { parts: { a: {} } }, 0)
      const batch = (from: number, count: number) => {
        const steps = Array.from({ length: count }, (_, i) => from + i)
        return append(
          columns(steps, { grad_norm: steps.map(wave), 'grad_norm/a': steps.map((at) => wave(at + 1)) }),
        )
      }
      for (let from = 0; from < 110_000; from += 10_000) await batch(from, 10_000)
      naive.parts.set('a', { mode: 'norm', max_norm: 1.5 })
      naive.parts.set('b', { mode: 'norm', max_norm: 1 })
      const b = { clip: naive.parts.get('b') as Clip }
      await Promise.all([
        store.runs.patch('run', { parts: { a: { clip: { mode: 'norm', max_norm: 1.5 } }, b } }, 0),
        batch(60_000, 3),
        batch(110_000, 5_000),
      ])
      const { parts } = await store.runs.get('run')
      expect(parts.map(({ name, clipping }) => [name, clipping.rate_total])).toEqual(naive.totals.parts)
      await expectSame(['grad_norm', 'grad_norm/a'], 0, 200_000, 1000)
    })

    it('keeps many metrics and layers apart', async () => {
      const names = [...Array.from({ length: 300 }, (_, i) => `layers/block.${i}`), 'loss', 'grad_norm', 'lr']
      for (let from = 0; from < 3000; from += 500) {
        const steps = Array.from({ length: 500 }, (_, i) => from + i)
        await append(
          columns(
            steps,
            Object.fromEntries(
              names.map((name, i) => [
                name,
                steps.map((step) => ((step + i) % 7 === 0 ? null : wave(step + i))),
              ]),
            ),
          ),
        )
      }
      await expectSameTotals()
      store = await opened.reopen()
      expect(await store.points.metrics('run')).toEqual(names.toSorted())
      const some = ['layers/block.0', 'layers/block.17', 'layers/block.299', 'loss', 'grad_norm']
      for (const maxPoints of [20, 500, 4000]) await expectSame(some, 0, 2999, maxPoints)
      naive.clip = { mode: 'norm', max_norm: 0.5 }
      await store.runs.patch('run', { clip: naive.clip }, 0)
      await expectSameTotals()
      let read = 0
      for await (const { step, metrics } of store.points.read('run', { metrics: ['layers/block.17'] })) {
        expect([...metrics.keys()]).toEqual(['layers/block.17'])
        read += step.length
      }
      expect(read).toBe(
        Array.from({ length: 3000 }, (_, step) => step).filter((step) => (step + 17) % 7 !== 0).length,
      )
    })

    it.each([40, 300])(
      'keeps what comes late for steps of a run of %i metrics, and all else',
      async (metrics) => {
        const names = ['grad_norm', 'loss', ...Array.from({ length: metrics }, (_, i) => `layers/block.${i}`)]
        const [first, last] = ['layers/block.0', `layers/block.${metrics - 1}`]
        for (let from = 0; from < 2_400; from += 400) {
          const steps = Array.from({ length: 400 }, (_, i) => 2 * (from + i))
          const readings = names.map((name, i) => [name, steps.map((step) => wave(step + i))])
          await append(columns(steps, Object.fromEntries(readings)))
        }
        store = await opened.reopen()
        const known = Array.from({ length: 90 }, (_, i) => 52 * i)
        const of = (name: string, shift: number, steps = known) => ({ [name]: steps.map((at) => at + shift) })
        // of a new metric, of one in the middle, of one that decides whether a step was clipped
        await append(columns(known, of('eval_loss', 1)))
        await append(columns(known, of('layers/block.20', 2)))
        await append(columns(known, of('grad_norm', 3)))
        await expectSameTotals()
        await store.runs.patch('run', { status: 'finished' }, 0)
        store = await opened.reopen()
        const some = ['grad_norm', 'loss', 'eval_loss', first, 'layers/block.13', 'layers/block.20', last]
        await expectSame(some, 0, 9_999, 4000)
        await expectSame(some, 100, 3_000, 50)
        // other times, steps between the others, and steps that are cut off while what came late is not in the leaves
        const times = known.map((step) => 1_764_000_000 + step / 10)
        await append(columns(known, of(last, 4), times))
        await append(
          columns(
            known.slice(0, 60).map((step) => step + 1),
            of('loss', 5, known.slice(0, 60)),
          ),
        )
        await append(columns(known, of('eval_loss', 6)))
        await expectSame(some, 0, 9_999, 300)
        naive.truncate(4_000)
        await store.runs.patch('run', { truncate_after: 4_000 }, 0)
        await append(columns(known.slice(0, 20), of(first, 7, known.slice(0, 20))))
        store = await opened.reopen()
        await expectSameTotals()
        await expectSame(some, 0, 9_999, 4000)
        await expectSame(some, 0, 9_999, 20)
      },
    )

    it('keeps the batches of a wide run in order, whatever is changed between them', async () => {
      const names = ['grad_norm', ...Array.from({ length: 300 }, (_, i) => `layers/block.${i}`)]
      const batch = (from: number, shift = 0) => {
        const steps = Array.from({ length: 40 }, (_, i) => from + i)
        const readings = names.map((name, i) => [name, steps.map((step) => wave(step + i) + shift)])
        return append(columns(steps, Object.fromEntries(readings)))
      }
      for (let from = 0; from < 480; from += 120) {
        await Promise.all([batch(from), batch(from + 40), batch(from + 80), batch(from + 20, 1)])
      }
      naive.clip = { mode: 'norm', max_norm: 1.5 }
      await Promise.all([batch(400, 2), store.runs.patch('run', { clip: naive.clip }, 0), batch(480)])
      await expectSameTotals()
      naive.truncate(450)
      await store.runs.patch('run', { truncate_after: 450 }, 0)
      await Promise.all([batch(440, 3), batch(470), store.runs.patch('run', { status: 'finished' }, 0)])
      const some = ['grad_norm', 'layers/block.0', 'layers/block.299']
      await expectSame(some, 0, 600, 4000)
      store = await opened.reopen()
      await expectSameTotals()
      await expectSame(some, 0, 600, 100)
    })
  })
}
