import { expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../engine/database.ts'
import { migrate } from '../engine/migrate.ts'
import { stretchRows } from './point-rows.ts'

const BLOBS = { figures: new Uint8Array(1), norms: null }

function openStretches() {
  const db = openDatabase(':memory:')
  onTestFinished(() => void db.close())
  migrate(db)
  const rows = stretchRows(db)
  const starts = (run: number) =>
    db.prepare<[number], number>('select start from stretches where run = ? order by start').pluck().all(run)
  return { db, rows, starts }
}

it('a leaf removes the stretches that hold it, of every metric, and no others', () => {
  const { rows, starts } = openStretches()
  for (const start of [0, 100, 200]) {
    rows.save(1, 0, { start, next: start + 100 }, BLOBS)
    rows.save(2, 0, { start, next: start + 100 }, BLOBS)
  }
  rows.save(1, 1, { start: 120, next: 320 }, BLOBS)
  for (const start of [150, 160, 199]) rows.forget(1, start, start)
  expect(starts(1)).toEqual([0, 200])
  rows.forget(1, 200, 200)
  expect(starts(1)).toEqual([0])
  rows.forget(1, 99, 99)
  expect(starts(1)).toEqual([])
  expect(starts(2)).toEqual([0, 100, 200])
})

it('a stretch that is saved again is removed again', () => {
  const { rows, starts } = openStretches()
  rows.forget(1, 50, 50)
  rows.save(1, 0, { start: 0, next: 100 }, BLOBS)
  rows.forget(1, 50, 50)
  expect(starts(1)).toEqual([])
})

it('what a transaction removed that was undone is removed by the next', () => {
  const { db, rows, starts } = openStretches()
  rows.save(1, 0, { start: 0, next: 100 }, BLOBS)
  db.exec('begin')
  rows.forget(1, 50, 50)
  db.exec('rollback')
  expect(starts(1)).toEqual([0])
  rows.afterRollback()
  rows.forget(1, 50, 50)
  expect(starts(1)).toEqual([])
})
