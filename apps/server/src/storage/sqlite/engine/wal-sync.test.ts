import { fdatasync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from './database.ts'
import { expect, it, onTestFinished } from 'vitest'
import { WalSync, WalSyncError } from './wal-sync.ts'

it('trusts no log whose sync failed: its pages go to the data file before the next sync counts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
  const file = join(folder, 'data.db')
  const db = openDatabase(file, { timeout: 0 })
  db.pragma('journal_mode = wal')
  db.exec('create table rows (value)')
  let fails = true
  const log = new WalSync(db, ((handle: number, done: (error: Error | null) => void) =>
    fails ? done(new Error('EIO: i/o error, fdatasync')) : fdatasync(handle, done)) as typeof fdatasync)
  onTestFinished(() => {
    log.close()
    db.close()
    rmSync(folder, { recursive: true })
  })
  const reader = openDatabase(file)
  reader.exec('begin; select * from rows')
  db.exec('insert into rows values (1)')
  await expect(log.sync()).rejects.toBeInstanceOf(WalSyncError)
  fails = false
  // a reader that needs the log keeps it from restarting
  await expect(log.sync()).rejects.toBeInstanceOf(WalSyncError)
  reader.close()
  await log.sync()
  expect(statSync(`${file}-wal`).size).toBe(0)
  db.exec('insert into rows values (2)')
  await log.sync()
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
})
