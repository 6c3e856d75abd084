import { partsMadeBy, type Clip, type PointColumns } from '@normwatch/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NaiveRun } from './naive-run.fixture.ts'
import { append, columns, record } from './store.fixture.ts'
import type { Store } from './store.ts'

const OWN = ['grad_norm', 'loss', 'max_norm', 'clip_fraction', 'layers/a'] as const
/** Of two parts, one of which may be declared, and of the other one too. */
const OF_PARTS = ['grad_norm/a', 'max_norm/a', 'clip_fraction/a', 'loss/a', 'grad_norm/b'] as const
const METRICS = [...OWN, ...OF_PARTS] as const

const reading = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 4, noNaN: true }) },
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324, 1.7e308, -1.7e308, 0.1) },
  { weight: 1, arbitrary: fc.constant(null) },
)

/** Steps of a batch: regular or ragged, near others or far away, few or more than a leaf holds. */
const steps = fc
  .record({
    from: fc.oneof(
      fc.nat(5000),
      fc.constantFrom(0, 1023, 1024, 1_000_000, 2 ** 40, Number.MAX_SAFE_INTEGER - 9000),
    ),
    stride: fc.constantFrom(1, 1, 1, 2, 3, 7, 100),
    count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 900, max: 2600 })),
    keep: fc.constantFrom(1, 1, 2, 3),
  })
  .map(({ from, stride, count, keep }) =>
    Array.from({ length: count }, (_, i) => from + i * stride).filter(
      (step, i) => (i % 5) % keep === 0 && step <= Number.MAX_SAFE_INTEGER,
    ),
  )

/** A short list of readings, used round and round, keeps large batches cheap to draw. */
const batch = fc
  .record({
    steps,
    readings: fc.dictionary(
      fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...OWN) }, fc.constantFrom(...OF_PARTS)),
      fc.array(reading, { minLength: 1, maxLength: 23 }),
    ),
    pace: fc.option(fc.double({ min: 0, max: 10, noNaN: true })),
  })
  .map(({ steps, readings, pace }) => {
    const round = Object.entries(readings).map(([name, list]) => [
      name,
      steps.map((_, i) => list[i % list.length]),
    ])
    const times = pace === null ? undefined : steps.map((step) => 1_764_000_000 + (step % 1e6) * pace)
    return columns(steps, Object.fromEntries(round) as Record<string, (number | null)[]>, times)
  })

const clip: fc.Arbitrary<Clip> = fc.oneof(
  fc.record({ mode: fc.constant('norm' as const), max_norm: fc.constantFrom(0.5, 1, 3) }),
  fc.constant({ mode: 'value' as const, clip_value: 1, fraction_threshold: 0.5 }),
  fc.record({ mode: fc.constant('none' as const), max_norm: fc.constantFrom(null, 2) }),
)

interface Question {
  readonly from: number | undefined
  readonly length: number | undefined
  readonly maxPoints: number
}

type Deed =
  | { readonly do: 'append'; readonly columns: PointColumns }
  | { readonly do: 'save' }
  | { readonly do: 'reopen' }
  | { readonly do: 'truncate'; readonly after: number }
  | { readonly do: 'clip'; readonly clip: Clip }
  | { readonly do: 'part'; readonly clip: Clip }

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: batch.map((columns): Deed => ({ do: 'append', columns })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('save' as const, 'reopen' as const).map((name): Deed => ({ do: name })),
  },
  { weight: 1, arbitrary: fc.nat(6000).map((after): Deed => ({ do: 'truncate', after })) },
  { weight: 1, arbitrary: clip.map((clip): Deed => ({ do: 'clip', clip })) },
  { weight: 1, arbitrary: clip.map((clip): Deed => ({ do: 'part', clip })) },
)

const question: fc.Arbitrary<Question> = fc.record({
  from: fc.option(fc.nat(8000), { nil: undefined }),
  length: fc.option(fc.integer({ min: -40, max: 9000 }), { nil: undefined }),
  maxPoints: fc.constantFrom(1, 2, 7, 100, 1000, 4000),
})

/** Late, repeated and scattered points against a plain map, over restarts, truncations and edited caps. */
export function describeCharts(
  engine: string,
  open: () => Promise<{ store: Store; reopen: () => Promise<Store> }>,
): void {
  describe(`${engine} charts`, () => {
    it(
      'answers as a plain map of points does, whatever order they came in',
      { timeout: 300_000 },
      async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(deed, { minLength: 1, maxLength: 8 }),
            fc.array(question, { minLength: 1, maxLength: 4 }),
            check,
          ),
          { numRuns: Number(process.env['FC_RUNS'] ?? 40) },
        )
      },
    )
  })

  async function check(deeds: readonly Deed[], questions: readonly Question[]) {
    const opened = await open()
    let { store } = opened
    const naive = new NaiveRun()
    await store.runs.put('run', {}, 0)
    try {
      for (const [i, deed] of deeds.entries()) {
        const arrivedAt = 1_764_000_000_000 + i
        if (deed.do === 'append') {
          naive.append(deed.columns, arrivedAt)
          const newParts = partsMadeBy(deed.columns.metrics.keys()).filter((name) => !naive.parts.has(name))
          for (const name of newParts) naive.parts.set(name, { mode: 'none', max_norm: null })
          await append(store, { run: 'run', columns: deed.columns, arrivedAt, newParts })
        } else if (deed.do === 'save') await record(store, 'run', { state: String(i) })
        else if (deed.do === 'reopen') store = await opened.reopen()
        else if (deed.do === 'truncate') {
          naive.truncate(deed.after)
          await store.runs.patch('run', { truncate_after: deed.after }, 0)
        } else if (deed.do === 'part') {
          naive.parts.set('a', deed.clip)
          await store.runs.patch('run', { parts: { a: { clip: deed.clip } } }, 0)
        } else {
          naive.clip = deed.clip
          await store.runs.patch('run', { clip: deed.clip }, 0)
        }
      }
      const { clipping, points, last_step, latest, nonfinite, ...run } = await store.runs.get('run')
      const parts = run.parts.map(({ name, clipping }) => [name, clipping.rate_total])
      const totals = { points, last_step, latest, nonfinite, rate_total: clipping.rate_total, parts }
      expect(totals).toEqual(naive.totals)
      await compareReadings(store, naive)
      expect(await store.points.extent('run', METRICS)).toEqual(naive.extent(METRICS))
      for (const metric of METRICS)
        expect(await store.points.extent('run', [metric])).toEqual(naive.extent([metric]))
      for (const { from, length, maxPoints } of questions) {
        const to = from === undefined || length === undefined ? undefined : Math.max(0, from + length)
        for (const metric of METRICS) await compareValues(store, naive, metric, from, to)
        const reply = await store.points.series({ run: 'run', metrics: METRICS, from, to, maxPoints })
        for (const metric of METRICS) {
          const { total, bucket, series } = naive.series(metric, from ?? 0, to ?? Infinity, maxPoints)
          expect({ total: reply.total, bucket: reply.bucket }).toEqual({ total, bucket })
          const { mean, over, ...exact } = series
          const { mean: means, ...others } = reply.series[metric] ?? { mean: [] }
          expect(sent(others)).toEqual(sent(hasOver(metric, naive) ? { ...exact, over } : exact))
          means.forEach((value, i) => {
            const expected = mean[i] ?? null
            if (value === null || expected === null) expect(value).toBe(expected)
            else
              expect(Math.abs(value - expected)).toBeLessThanOrEqual(
                1e-300 + 1e-6 * largest(exact.max[i], exact.min[i]),
              )
          })
        }
      }
    } finally {
      await store.close()
    }
  }
}

const largest = (...values: (number | null | undefined)[]) =>
  Math.max(...values.map((value) => Math.abs(value ?? 0)))

/** As it travels: JSON has no -0. */
const hasOver = (metric: string, { parts }: NaiveRun): boolean =>
  metric === 'grad_norm' || [...parts.keys()].some((name) => metric === `grad_norm/${name}`)

const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

async function compareReadings(store: Store, naive: NaiveRun): Promise<void> {
  const read: [number, number, Record<string, number>][] = []
  for await (const { step, time, metrics } of store.points.read('run', {})) {
    step.forEach((at, row) => {
      const readings: Record<string, number> = {}
      for (const [name, { values, present }] of metrics) {
        if (present?.[row] !== 0) readings[name] = values[row] as number
      }
      read.push([at, time[row] as number, readings])
    })
  }
  const expected = naive.sorted
    .filter(([, { readings }]) => readings.size > 0)
    .map(([step, { time, readings }]) => [step, time, Object.fromEntries(readings)])
  expect(read).toEqual(expected)
}

async function compareValues(
  store: Store,
  naive: NaiveRun,
  metric: string,
  from = 0,
  to = Infinity,
): Promise<void> {
  const range = { from, to: Number.isFinite(to) ? to : undefined }
  const values: number[] = []
  for await (const block of store.points.readings('run', metric, range)) values.push(...block)
  const expected = naive.sorted
    .filter(([step, { readings }]) => step >= from && step <= to && readings.has(metric))
    .map(([, { readings }]) => readings.get(metric))
  expect(values).toEqual(expected)
}
