import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../engine/database.ts'
import { expect, it, onTestFinished } from 'vitest'
import { append, columns } from '../../store.fixture.ts'
import { StoreUnavailable, type Store } from '../../store.ts'
import { backUpSqlite } from '../upkeep/backup.ts'
import { FILE } from '../engine/data-folder.ts'
import { inspectFolder } from '../upkeep/inspect.ts'
import { openSqliteStore } from '../open.ts'

const STEPS = 3_000
const loss = Array.from({ length: STEPS }, (_, i) => Math.sin(i))

/** A folder with two runs, all of whose points are in leaves but the newest, and its store closed. */
async function written(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const store = await openSqliteStore({ folder })
  for (const run of ['bad', 'good']) {
    await store.runs.put(run, {}, 0)
    await append(store, {
      run,
      columns: columns([...loss.keys()].slice(0, 2_900), { loss: loss.slice(0, 2_900) }),
    })
    await store.runs.patch(run, { status: 'finished' }, 0)
    await append(store, { run, columns: columns([...loss.keys()].slice(2_900), { loss: loss.slice(2_900) }) })
  }
  await store.close()
  return folder
}

/** Flips one bit of one blob of the run `bad`; `at` and `bit` are shares of its length and of 8. */
function flip(
  folder: string,
  table: 'leaves' | 'tail' | 'summaries',
  column: string,
  at: number,
  bit: number,
) {
  const db = openDatabase(join(folder, FILE))
  const select = `select rowid, ${column} as blob from ${table} where run = (select key from runs where id = 'bad')
    order by ${table === 'tail' ? 'seq desc' : 'rowid'} limit 1`
  const { rowid, blob } = db.prepare<[], { rowid: number; blob: Buffer }>(select).get() as {
    rowid: number
    blob: Buffer
  }
  const place = Math.floor(at * blob.length)
  blob[place] = (blob[place] as number) ^ (1 << Math.floor(bit * 8))
  db.prepare(`update ${table} set ${column} = ? where rowid = ?`).run(blob, rowid)
  db.close()
}

async function readingsOf(store: Store, run: string): Promise<number[]> {
  const read: number[] = []
  for await (const { metrics } of store.points.read(run, {}))
    read.push(...(metrics.get('loss')?.values ?? []))
  return read
}

it.each([
  ['leaves', 'columns'],
  ['tail', 'columns'],
  ['summaries', 'page'],
] as const)('notices any flipped bit in %s.%s', { timeout: 60_000 }, async (table, column) => {
  const folder = await written()
  for (let round = 0; round < 12; round++) {
    const [at, bit] = [Math.random(), Math.random()]
    flip(folder, table, column, at, bit)
    const store = await openSqliteStore({ folder })
    const error: unknown = await readingsOf(store, 'bad').catch((error: unknown) => error)
    expect(error, `byte ${at}, bit ${bit}`).toBeInstanceOf(StoreUnavailable)
    expect((error as Error).message).toMatch(/^The data file is damaged: points of the run "bad"/)
    expect(await readingsOf(store, 'good')).toEqual(loss)
    await store.close()
    // and back
    flip(folder, table, column, at, bit)
  }
})

it('names the run and the steps, serves the rest of the run, and stores the points of others beside it', async () => {
  const folder = await written()
  expect(inspectFolder(folder)?.faults).toEqual([])
  flip(folder, 'leaves', 'columns', 0.5, 0.5)
  const store = await openSqliteStore({ folder })
  const values = async (from: number, to: number) =>
    (await store.points.series({ run: 'bad', metrics: ['loss'], from, to, maxPoints: 4_000 })).series['loss']
      ?.last
  await expect(values(0, 10)).rejects.toThrow(
    'The data file is damaged: points of the run "bad" from step 0 on cannot be read.',
  )
  expect(await values(2_000, 2_010)).toEqual(loss.slice(2_000, 2_011))
  const repeated = columns([5], { loss: [0] })
  const [refused, taken] = await Promise.allSettled([
    append(store, { run: 'bad', columns: repeated }),
    append(store, { run: 'good', columns: repeated }),
  ])
  expect(refused).toMatchObject({
    status: 'rejected',
    reason: { message: expect.stringMatching(/run "bad"/) },
  })
  expect(taken.status).toBe('fulfilled')
  await store.close()
  expect(inspectFolder(folder)?.faults).toEqual(['points of the run "bad" near step 0 cannot be read'])
  expect(() => backUpSqlite(folder, join(folder, 'copy.db'))).toThrow(
    'The data is damaged, and the copy was removed: points of the run "bad" near step 0 cannot be read.',
  )
})
