import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { append } from '../../store.fixture.ts'
import { FILE } from '../engine/data-folder.ts'
import { openDatabase } from '../engine/database.ts'
import { openSqliteStore } from '../open.ts'

/** So many that other threads help to unpack the last ones. */
const STEPS = 2_600_000
const BATCH = 100_000
const normAt = (step: number): number => Math.fround(1 + Math.sin(step))

const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(async () => {
  const store = await openSqliteStore({ folder })
  await store.runs.put('run', {}, 0)
  for (let from = 0; from < STEPS; from += BATCH) {
    const step = Float64Array.from({ length: BATCH }, (_, i) => from + i)
    const metrics = new Map([['grad_norm', { values: step.map(normAt), present: null }]])
    await append(store, { run: 'run', columns: { step, time: new Float64Array(BATCH).fill(NaN), metrics } })
  }
  await store.close()
}, 120_000)

/** Reads the norms and checks each; resolves with how many there were. */
async function readNorms(from: number): Promise<number> {
  const store = await openSqliteStore({ folder })
  try {
    const read = async () => {
      let step = from
      for await (const norms of store.points.readings('run', 'grad_norm', { from }))
        for (const norm of norms) if (norm !== normAt(step++)) throw new Error(`norm ${step} is ${norm}`)
      return step - from
    }
    const [count, other] = await Promise.all([read(), read()])
    expect(other).toBe(count)
    return count
  } finally {
    await store.close()
  }
}

it('reads millions of norms in their order, for two at the same time', async () => {
  expect(await readNorms(0)).toBe(STEPS)
  expect(await readNorms(777)).toBe(STEPS - 777)
})

it('names the steps that are damaged, also where another thread has found that', async () => {
  const db = openDatabase(join(folder, FILE))
  db.prepare(
    "update leaves set columns = x'5a0000000001' where start between 2400000 and 2401023 and block = 0",
  ).run()
  db.close()
  await expect(readNorms(0)).rejects.toThrow(
    /^The data file is damaged: points of the run "run" from step 2\d+ on cannot be read\.$/,
  )
})
