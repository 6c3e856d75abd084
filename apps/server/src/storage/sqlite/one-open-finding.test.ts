import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { aFinding } from '../../alerts/fixtures/event.ts'
import { layout } from '../../layout.ts'
import { record } from '../store.fixture.ts'
import { openDatabase } from './engine/database.ts'
import { openSqliteStore } from './open.ts'

/** By which a data file knows that it has had the migration. */
function migrationHash(): string {
  const file = readdirSync(layout.migrations).find((name) => name.endsWith('_one_open_finding.sql'))
  return createHash('sha256')
    .update(readFileSync(join(layout.migrations, file as string)))
    .digest('hex')
}

it('opens a data folder of before in which two findings of a kind are open: the newest of them stays open', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-findings-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const before = await openSqliteStore({ folder })
  for (const run of ['a', 'b']) {
    await before.runs.put(run, {}, 0)
    await record(before, run, { changes: [{ type: 'opened', finding: aFinding({ id: `${run}-1`, run }) }] })
  }
  await before.close()
  const db = openDatabase(join(folder, 'normwatch.db'), { timeout: 1_000 })
  db.exec('drop index findings_open_once')
  db.prepare<[string]>('delete from __drizzle_migrations where hash = ?').run(migrationHash())
  db.exec(`insert into findings (id, run, kind, severity, state, opened_step, opened_at, evidence, diagnosis)
    select 'a-2', run, kind, severity, state, opened_step, opened_at, evidence, diagnosis from findings where id = 'a-1'`)
  db.close()
  const store = await openSqliteStore({ folder })
  onTestFinished(() => store.close())
  const { findings } = await store.findings.list({ state: 'open', limit: 9 })
  expect(findings.map(({ id }) => id).sort()).toEqual(['a-2', 'b-1'])
  expect(await store.findings.get('a-1')).toMatchObject({ state: 'closed', close_reason: 'settings_changed' })
})
