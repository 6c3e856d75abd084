import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NormRecord, RunMeasurer } from '@normwatch/detector'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { append, columns } from '../../store.fixture.ts'
import type { Store } from '../../store.ts'
import { FILE } from '../engine/data-folder.ts'
import { openDatabase, type Database } from '../engine/database.ts'
import { openSqliteStore } from '../open.ts'
import { findDamage } from './verify.ts'

const STEPS = 1_100_000
const BATCH = 50_000
/** Norms of which some are float64, and losses of which some are not finite. */
const normAt = (step: number): number =>
  step % 300_007 === 0 ? 1 / (step + 3) : Math.fround(1 + Math.sin(step))
const lossAt = (step: number): number => (step % 4_001 === 0 ? NaN : 5 + Math.cos(step / 50_000))

const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
let store: Store
let db: Database
const stretches = () =>
  db
    .prepare<[], { metric: number; start: number; next: number }>(
      'select metric, start, next from stretches order by metric, start',
    )
    .all()
/** Stretches are stored a few seconds after the leaves. */
const untilStored = (count: number) => expect.poll(() => stretches().length, { timeout: 60_000 }).toBe(count)

beforeAll(async () => {
  store = await openSqliteStore({ folder })
  await store.runs.put('run', {}, 0)
  for (let from = 0; from < STEPS; from += BATCH) {
    const step = Float64Array.from({ length: BATCH }, (_, i) => from + i)
    const metrics = new Map([
      ['grad_norm', { values: step.map(normAt), present: null }],
      ['loss', { values: step.map(lossAt), present: null }],
    ])
    await append(store, { run: 'run', columns: { step, time: new Float64Array(BATCH).fill(NaN), metrics } })
  }
  await store.close()
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true }))

beforeEach(async () => {
  store = await openSqliteStore({ folder })
  db = openDatabase(join(folder, FILE))
})
afterEach(async () => {
  db.close()
  await store.close()
})

/** What the stretches say of a range, and what the leaves say; and how many stretches were read. */
async function normsBetween(from: number, to: number) {
  const [packed, plain] = [new NormRecord(), new NormRecord()]
  let used = 0
  for await (const norms of store.points.norms('run', 'grad_norm', { from, to })) {
    if (!('unpack' in norms)) packed.add({ values: norms, present: null })
    else {
      packed.addOrdered(norms)
      used++
    }
  }
  for await (const norms of store.points.readings('run', 'grad_norm', { from, to }))
    plain.add({ values: norms, present: null })
  const said = (record: NormRecord) => [
    record.count,
    record.quantiles([0, 0.1, 0.5, 0.999, 1]),
    record.curve([0.3, 1, 1.7]).map(({ clip_rate }) => clip_rate),
  ]
  expect(said(packed)).toEqual(said(plain))
  return used
}

async function measuredLosses() {
  const [summed, plain] = [0, 1].map(() => new RunMeasurer())
  let used = 0
  for await (const losses of store.points.losses('run', 'loss')) {
    if (!('sums' in losses)) summed?.addLosses(losses)
    else {
      summed?.addLossSums(losses.sums, losses.start)
      used++
    }
  }
  const from = summed?.lastLossesFrom
  if (from !== undefined)
    for await (const losses of store.points.readings('run', 'loss', { from })) summed?.addLastLosses(losses)
  for await (const losses of store.points.readings('run', 'loss', {})) plain?.addLosses(losses)
  const [found, expected] = [summed, plain].map((one) =>
    one?.result({ points: 0, first: undefined, last: undefined }),
  )
  expect(found?.final_loss).toBe(expected?.final_loss)
  expect(found?.nonfinite).toBe(expected?.nonfinite)
  expect(found?.loss_roughness).toBeCloseTo(expected?.loss_roughness ?? NaN, 9)
  return used
}

it('stores stretches of a long run, which say what its leaves say, whole or in part', async () => {
  await untilStored(8)
  const stored = stretches()
  expect(stored.slice(0, 4).map(({ start }, i) => start === (stored[i - 1]?.next ?? 0))).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(stored[3]?.next).toBeGreaterThan(1_000_000)
  expect(await normsBetween(0, STEPS)).toBe(4)
  expect(await normsBetween(5, STEPS)).toBe(3)
  expect(await normsBetween(300_000, 800_000)).toBe(1)
  expect(await normsBetween(10, 20)).toBe(0)
  expect(await measuredLosses()).toBe(4)
})

it('reads a changed stretch from its leaves until it is stored again', async () => {
  await untilStored(8)
  // a batch in the tail, whose leaf is not written yet
  await append(store, { run: 'run', columns: columns([300_001], { grad_norm: [77], loss: [1e3] }) })
  expect(await normsBetween(0, STEPS)).toBe(3)
  expect(await measuredLosses()).toBe(3)
  // the end of the run writes its leaves
  await store.runs.patch('run', { status: 'finished' }, 0)
  expect(stretches().length).toBe(6)
  expect(await normsBetween(0, STEPS)).toBe(3)
  await untilStored(8)
  expect(await normsBetween(0, STEPS)).toBe(4)
  expect(await measuredLosses()).toBe(4)
})

it('takes a damaged stretch for none, and the doctor names it', async () => {
  await untilStored(8)
  db.prepare("update stretches set norms = x'5a00000000ff' where metric = 0 and start = 0").run()
  expect(await normsBetween(0, STEPS)).toBe(3)
  expect(findDamage(db)).toEqual(['a copy of norms or losses of the run "run" near step 0 cannot be read'])
  db.prepare('delete from stretches where metric = 0 and start = 0').run()
})

it('forgets the stretches of what is cut off, and of a run that is removed', async () => {
  await store.runs.patch('run', { status: 'running', truncate_after: 600_000 }, 0)
  expect(stretches().every(({ next }) => next <= 600_001)).toBe(true)
  expect(await normsBetween(0, STEPS)).toBeGreaterThan(0)
  await store.runs.delete('run')
  await untilStored(0)
})
