import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { columns, judgement } from '../store.fixture.ts'
import type { Store } from '../store.ts'
import { backUpSqlite, CannotBackUp } from './backup.ts'
import { openSqliteStore } from './open.ts'

const append = (store: Store, from: number) => {
  const steps = Array.from({ length: 300 }, (_, i) => from + i)
  const batch = { run: 'run', columns: columns(steps, { loss: steps }), arrivedAt: 0, judgement, changes: [] }
  return store.points.append({ ...batch, state: () => from })
}

it('copies the data of a store that is being written, and the copy starts a store', async () => {
  const root = mkdtempSync(join(tmpdir(), 'normwatch-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const store = await openSqliteStore({ folder: join(root, 'data') })
  await store.runs.put('run', { notes: 'kept' }, 0)
  for (let from = 0; from < 30_000; from += 300) await append(store, from)
  const late = append(store, 30_000)
  const file = join(root, 'copy.db')
  backUpSqlite(join(root, 'data'), file)
  await late
  await append(store, 30_300)
  await store.close()

  mkdirSync(join(root, 'copy'))
  copyFileSync(file, join(root, 'copy', 'normwatch.db'))
  const copy = await openSqliteStore({ folder: join(root, 'copy') })
  const { points, notes } = await copy.runs.get('run')
  expect({ points, notes }).toEqual({ points: 30_000, notes: 'kept' })
  expect((await copy.points.series({ run: 'run', metrics: ['loss'], maxPoints: 100 })).total).toBe(30_000)
  await append(copy, 30_000)
  await copy.close()
  expect(() => backUpSqlite(join(root, 'data'), file)).toThrow(CannotBackUp)
  expect(() => backUpSqlite(join(root, 'nowhere'), join(root, 'other.db'))).toThrow(/^There is no data in /)
})
