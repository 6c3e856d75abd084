import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { append } from '../../store.fixture.ts'
import type { Store } from '../../store.ts'
import { FILE } from '../engine/data-folder.ts'
import { openDatabase, type Database } from '../engine/database.ts'
import { migrate } from '../engine/migrate.ts'
import { openSqliteStore } from '../open.ts'
import { openWholeFolder } from '../upkeep/whole-folder.ts'
import { openDroppedLeaves } from './dropped-leaves.ts'
import { leafRows } from './point-rows.ts'

const BLOB = new Uint8Array(1)
const startsIn = (db: Database, run: number) =>
  db.prepare<[number], number>('select start from leaves where run = ? order by start').pluck().all(run)

function openRows() {
  const db = openDatabase(':memory:')
  onTestFinished(() => void db.close())
  migrate(db)
  const dropped = openDroppedLeaves(db)
  const rows = leafRows(db, dropped)
  for (const start of [0, 100, 200, 300, 400]) rows.save(1, start, 0, BLOB, BLOB)
  rows.save(2, 300, 0, BLOB, BLOB)
  return { db, dropped, rows }
}

it('leaves that were dropped are removed in the background, and no others', () => {
  const { db, dropped, rows } = openRows()
  rows.removeLast(1, [200, 300, 400])
  rows.removeLast(1, [])
  expect(dropped.removeSome()).toBe(true)
  expect(startsIn(db, 1)).toEqual([0, 100])
  expect(dropped.removeSome()).toBe(true)
  expect(dropped.removeSome()).toBe(false)
  rows.save(1, 400, 0, BLOB, BLOB)
  expect(startsIn(db, 1)).toEqual([0, 100, 400])
  expect(startsIn(db, 2)).toEqual([300])
})

it('a run that is cut off twice keeps what was left by both', () => {
  const { db, dropped, rows } = openRows()
  rows.removeLast(1, [300, 400])
  rows.removeLast(1, [100, 200])
  while (dropped.removeSome());
  expect(startsIn(db, 1)).toEqual([0])
})

it('a leaf that is written meanwhile takes the place of those dropped there, with all their blocks', () => {
  const { db, dropped, rows } = openRows()
  rows.save(1, 200, 1, BLOB, BLOB)
  rows.removeLast(1, [200, 300, 400])
  rows.save(1, 200, 0, BLOB, BLOB)
  expect(rows.blocks(1, 200)).toHaveLength(1)
  rows.save(1, 350, 0, BLOB, BLOB)
  expect(rows.range(1, 0, 350, 0)).toHaveLength(4)
  while (dropped.removeSome());
  expect(startsIn(db, 1)).toEqual([0, 100, 200, 350])
})

it('what a transaction dropped that was undone is there', () => {
  const { db, dropped, rows } = openRows()
  db.exec('begin')
  rows.removeLast(1, [200, 300, 400])
  db.exec('rollback')
  dropped.afterRollback()
  expect(dropped.removeSome()).toBe(false)
  expect(startsIn(db, 1)).toHaveLength(5)
})

const STEPS = 50_000
const normAt = (step: number, scale: number) => Math.fround(scale * (2 + Math.sin(step)))

/** Stores steps up to `to` behind those in `norms`. */
async function fill(store: Store, norms: number[], to: number, scale: number): Promise<void> {
  while (norms.length < to) {
    const step = Float64Array.from({ length: STEPS }, (_, i) => norms.length + i)
    const values = step.map((at) => normAt(at, scale))
    norms.push(...values)
    const metrics = new Map([['grad_norm', { values, present: null }]])
    await append(store, { run: 'run', columns: { step, time: new Float64Array(STEPS).fill(NaN), metrics } })
  }
}

async function normsIn(store: Store): Promise<number[]> {
  const all: number[] = []
  for await (const block of store.points.readings('run', 'grad_norm', {})) all.push(...block)
  return all
}

function withFile<T>(folder: string, work: (db: Database) => T): T {
  const db = openDatabase(join(folder, FILE))
  try {
    return work(db)
  } finally {
    db.close()
  }
}
const leavesIn = (folder: string): number => withFile(folder, (db) => startsIn(db, 1).length)

it('a run whose server ends right after it was cut off has the points that were kept, and those sent since', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const norms: number[] = []
  let store = await openSqliteStore({ folder })
  await store.runs.put('run', {}, 0)
  await fill(store, norms, 400_000, 1)
  await store.close()
  const all = leavesIn(folder)
  const former = join(folder, 'former')
  withFile(folder, (db) => db.prepare('vacuum into ?').run(former))

  store = await openSqliteStore({ folder })
  const cut = await store.runs.patch('run', { truncate_after: 4_999 }, 0)
  expect(cut).toMatchObject({ points: 5_000, last_step: 4_999 })
  norms.length = 5_000
  await expect.poll(() => leavesIn(folder)).toBe(5)
  await store.close()
  // as if it had ended before any row was removed
  withFile(folder, (db) => {
    db.prepare('attach ? as former').run(former)
    db.exec(
      `insert into leaves (run, start, block, cells, columns)
         select run, start, block, cells, columns from former.leaves where start >= 5000;
       insert into dropped_leaves (run, start) values (1, 5000)`,
    )
  })
  expect(leavesIn(folder)).toBe(all)

  store = await openSqliteStore({ folder })
  expect(await normsIn(store)).toEqual(norms)
  await fill(store, norms, 205_000, 3)
  await store.runs.patch('run', { truncate_after: 99_999 }, 0)
  norms.length = 100_000
  await fill(store, norms, 200_000, 5)
  expect(await normsIn(store)).toEqual(norms)
  await expect.poll(() => leavesIn(folder)).toBeLessThan(200)
  await store.close()

  store = await openSqliteStore({ folder })
  expect(await normsIn(store)).toEqual(norms)
  await store.close()
})

it('leaves that were dropped are no part of the whole data', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const store = await openSqliteStore({ folder })
  await store.runs.put('run', {}, 0)
  await fill(store, [], STEPS, 1)
  await store.close()
  withFile(folder, (db) => db.prepare('insert into dropped_leaves (run, start) values (1, 4096)').run())
  const whole = openWholeFolder(folder)
  onTestFinished(whole.close)
  expect(whole.tables.find(({ name }) => name === 'leaves')?.count).toBe(4)
  expect(whole.tables.find(({ name }) => name === 'dropped_leaves')).toBeUndefined()
})
