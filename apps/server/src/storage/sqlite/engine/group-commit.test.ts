import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { StoreUnavailable } from '../../store.ts'
import { UnitRefused } from '../../unit-refused.ts'
import { openDatabase } from './database.ts'
import { GroupCommit } from './group-commit.ts'

/** Commits to a table `done` of numbers; `syncs` counts the waits for the disk. */
function opened() {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
  const db = openDatabase(join(folder, 'data.db'), { timeout: 50 })
  db.exec('create table done (number integer)')
  const seen = { syncs: 0 }
  const commits = new GroupCommit(db, {
    sync: async () => void seen.syncs++,
    beforeCommit: () => undefined,
    onRollback: () => undefined,
  })
  onTestFinished(async () => {
    await commits.close()
    db.close()
    rmSync(folder, { recursive: true })
  })
  const insert = db.prepare<[number]>('insert into done values (?)')
  const numbers = db.prepare<[], number>('select number from done').pluck()
  /** A unit that takes so many milliseconds. */
  const unit = (number: number, ms = 0) =>
    commits.run(() => {
      for (const until = performance.now() + ms; performance.now() < until;);
      insert.run(number)
      return number
    })
  return { db, commits, seen, unit, done: () => numbers.all() }
}

it('lets others take their turn between the units of a long group, which still wait for the disk once', async () => {
  const { db, seen, unit, done } = opened()
  const turns: (readonly number[])[] = []
  let isOver = false
  const others = (async () => {
    while (!isOver) {
      await turn()
      expect(db.inTransaction).toBe(false)
      turns.push(done())
    }
  })()
  await expect(Promise.all(Array.from({ length: 6 }, (_, i) => unit(i, 8)))).resolves.toEqual([
    0, 1, 2, 3, 4, 5,
  ])
  isOver = true
  await others
  expect(seen.syncs).toBe(1)
  expect(turns).toContainEqual([0])
  expect(turns).toContainEqual([0, 1, 2])
  expect(done()).toEqual([0, 1, 2, 3, 4, 5])
})

it('commits short units together', async () => {
  const { db, commits, unit } = opened()
  const isWithin: boolean[] = []
  const first = unit(0)
  const second = commits.run(
    () => void isWithin.push(db.inTransaction, db.prepare('select * from done').all().length === 1),
  )
  await Promise.all([first, second])
  expect(isWithin).toEqual([true, true])
})

it('refuses and undoes each unit for itself', async () => {
  const { commits, unit, done } = opened()
  class Refused extends UnitRefused {}
  const settled = await Promise.allSettled([
    unit(0, 8),
    commits.run(() => {
      throw new Refused('no')
    }),
    commits.run(() => {
      throw new Error('broken')
    }),
    unit(1, 8),
  ])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(done()).toEqual([0, 1])
})

it('rejects the whole group at once where the file is locked by another program', async () => {
  const { db, unit, done } = opened()
  const other = openDatabase(db.name)
  other.exec('begin exclusive')
  const settled = await Promise.allSettled([unit(0), unit(1), unit(2)])
  for (const one of settled) {
    expect(one).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
  }
  other.exec('rollback')
  other.close()
  await expect(unit(3)).resolves.toBe(3)
  expect(done()).toEqual([3])
})
