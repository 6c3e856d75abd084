import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { append, columns } from '../../store.fixture.ts'
import { FILE } from '../engine/data-folder.ts'
import { openDatabase } from '../engine/database.ts'
import { openSqliteStore } from '../open.ts'

const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
afterAll(() => rmSync(folder, { recursive: true }))

const RUNS = Array.from({ length: 8 }, (_, i) => `seed-${i}`)
const BATCH = 100

it('writes the leaves of trainings that begin together at different moments', async () => {
  const store = await openSqliteStore({ folder })
  const db = openDatabase(join(folder, FILE), { readonly: true })
  const written = db.prepare<[], number>('select count(distinct run) from leaves').pluck()
  try {
    for (const run of RUNS) await store.runs.put(run, {}, 0)
    let mostAtOnce = 0
    for (let from = 0, before = 0; before < RUNS.length && from < 10_000; from += BATCH) {
      const steps = Array.from({ length: BATCH }, (_, i) => from + i)
      const batch = columns(steps, { grad_norm: steps.map(() => 1) })
      await Promise.all(RUNS.map((run) => append(store, { run, columns: batch })))
      const now = written.get() ?? 0
      mostAtOnce = Math.max(mostAtOnce, now - before)
      before = now
    }
    expect(written.get()).toBe(RUNS.length)
    expect(mostAtOnce).toBe(1)
  } finally {
    db.close()
    await store.close()
  }
})
