import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { append, columns, judgement, rejudge } from '../store.fixture.ts'
import { RunNotFound, VersionConflict, type Store } from '../store.ts'
import { emptyDatabase } from '../../../test/postgres.ts'
import { openPostgresStore } from './open.ts'

/** Stores of several servers over one database. */
async function opened(count = 2): Promise<[Store, Store, ...Store[]]> {
  const url = await emptyDatabase()
  // they start at the same time: one migrates, the others wait
  const stores = await Promise.all(Array.from({ length: count }, () => openPostgresStore({ url })))
  onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))))
  return stores as [Store, Store]
}

const batch = (step: number) => columns([step], { loss: [step] })
const lossOf = async (store: Store, run: string): Promise<Map<number, number>> => {
  const found = new Map<number, number>()
  for await (const { step, metrics } of store.points.read(run, {})) {
    step.forEach((step, i) => found.set(step, metrics.get('loss')?.values[i] as number))
  }
  return found
}

it('reads at once what another server has changed, though the run is in memory', async () => {
  const [one, two] = await opened()
  await one.runs.put('a', {}, 0)
  await append(one, { run: 'a', columns: batch(0) })
  expect(await two.runs.get('a')).toMatchObject({ points: 1 })
  await append(one, { run: 'a', columns: batch(1) })
  expect(await two.runs.get('a')).toMatchObject({ points: 2 })
  expect(await lossOf(two, 'a')).toEqual(new Map([0, 1].map((step) => [step, step])))
  await two.runs.patch('a', { truncate_after: 0, name: 'theirs' }, 5)
  expect(await one.runs.get('a')).toMatchObject({ points: 1, name: 'theirs', last_step: 0 })
  expect(await one.points.series({ run: 'a', metrics: ['loss'], maxPoints: 10 })).toMatchObject({
    series: { loss: { step: [0] } },
  })
  await two.runs.delete('a')
  await expect(one.runs.get('a')).rejects.toBeInstanceOf(RunNotFound)
})

it('refuses what was judged before another server was first', async () => {
  const [one, two] = await opened()
  const { version } = (await one.runs.put('a', {}, 0)).run
  const judged = { run: 'a', arrivedAt: 0, judgement, changes: [], version }
  await two.points.append({ ...judged, columns: batch(0) })
  await expect(one.points.append({ ...judged, columns: batch(1) })).rejects.toBeInstanceOf(VersionConflict)
  await expect(one.runs.patch('a', { status: 'finished' }, 0, { version })).rejects.toBeInstanceOf(
    VersionConflict,
  )
  expect(await one.runs.get('a')).toMatchObject({ points: 1, status: 'running' })
})

it.each([
  ['a run', { run: 'a' }],
  ['its project', { project: 'default' }],
])('refuses what was judged by former settings of %s, and has the record judged again', async (_, scope) => {
  const [one, two] = await opened()
  await one.runs.put('a', {}, 0)
  const { version } = await append(one, { run: 'a', columns: batch(0) })
  await two.settings.put(scope, { spike: { enabled: false } })
  const late = one.points.append({
    run: 'a',
    arrivedAt: 0,
    judgement,
    changes: [],
    version,
    columns: batch(1),
  })
  await expect(late).rejects.toBeInstanceOf(VersionConflict)
  expect(await one.points.detection('a')).toMatchObject({ stale: true })
  await rejudge(one, 'a', { state: '{}' })
  expect(await two.points.detection('a')).toMatchObject({ stale: false, state: '{}' })
})

it('never takes a run that was removed and made again for the former one', async () => {
  const [one, two] = await opened()
  const { version } = (await one.runs.put('a', {}, 0)).run
  await two.runs.delete('a')
  expect((await two.runs.put('a', {}, 0)).run.version).toBeGreaterThan(version + 1)
  const late = one.points.append({
    run: 'a',
    arrivedAt: 0,
    judgement,
    changes: [],
    version,
    columns: batch(1),
  })
  await expect(late).rejects.toBeInstanceOf(VersionConflict)
})

it('makes a run once that two servers make at the same moment', async () => {
  const [one, two] = await opened()
  for (let i = 0; i < 20; i++) {
    const made = await Promise.all([
      one.runs.put(`r${i}`, { name: 'one' }, 0),
      two.runs.put(`r${i}`, { tags: ['two'] }, 0),
    ])
    expect(made.filter(({ created }) => created)).toHaveLength(1)
    expect(await one.runs.get(`r${i}`)).toMatchObject({ name: 'one', tags: ['two'] })
  }
})

const server = fc.nat({ max: 2 })
const step = fc.nat({ max: 40 })
const deed = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('append' as const), server, step }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('truncate' as const), server, step }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('rename' as const), server, step }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('settings' as const), server, step }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remake' as const), server, step }) },
)

it('keeps the same record as one server, whatever changes arrive at whichever server', async () => {
  const stores = await opened(3)
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 25 }), async (deeds) => {
      const run = `run-${count++}`
      await stores[0].runs.put(run, {}, 0)
      let expected = new Map<number, number>()
      let name = run
      for (const [i, { type, server, step }] of deeds.entries()) {
        const store = stores[server] as Store
        if (type === 'append') {
          await append(store, { run, columns: columns([step], { loss: [i] }) })
          expected.set(step, i)
        } else if (type === 'truncate') {
          await store.runs.patch(run, { truncate_after: step }, i)
          expected = new Map([...expected].filter(([at]) => at <= step))
        } else if (type === 'rename') await store.runs.put(run, { name: (name = `${i}`) }, i)
        else if (type === 'settings') await store.settings.put({ run }, { window: { min: 20 + i } })
        else {
          await store.runs.delete(run)
          await store.runs.put(run, {}, i)
          expected = new Map()
          name = run
        }
      }
      for (const store of stores) {
        expect(await store.runs.get(run)).toMatchObject({ name, points: expected.size })
        expect(await lossOf(store, run)).toEqual(new Map([...expected].sort(([a], [b]) => a - b)))
      }
    }),
    { numRuns: 40 },
  )
})

it('loses none of the batches that arrive at three servers at once, and counts each once', async () => {
  const stores = await opened(3)
  await stores[0].runs.put('a', {}, 0)
  const sent = stores.map(async (store, server) => {
    for (let i = 0; i < 40; i++) await append(store, { run: 'a', columns: batch(i * 3 + server) })
  })
  await Promise.all(sent)
  for (const store of stores) {
    expect(await store.runs.get('a')).toMatchObject({ points: 120, last_step: 119 })
    expect(await lossOf(store, 'a')).toEqual(new Map(Array.from({ length: 120 }, (_, step) => [step, step])))
  }
})
