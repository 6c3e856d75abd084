import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { machine, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import { openSqliteStore } from '../../apps/server/src/storage/sqlite/open.ts'
import type { Store } from '../../apps/server/src/storage/store.ts'
import { backup } from './backup.ts'
import { charts } from './charts.ts'
import { finish, ingest } from './ingest.ts'
import { removal } from './removal.ts'
import { makeRuns, runList } from './run-list.ts'
import { timed } from './timing.ts'

const root = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))

async function withStore<T>(name: string, work: (store: Store, folder: string) => Promise<T>): Promise<T> {
  const folder = join(root, name)
  const store = await openSqliteStore({ folder })
  try {
    return await work(store, folder)
  } finally {
    await store.close()
  }
}

async function withServer<T>(
  name: string,
  work: (server: ServerProcess, folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(root, name)
  const server = await ServerProcess.start(folder)
  try {
    return await work(server, folder)
  } finally {
    await server.stop()
  }
}

/** Bytes per scalar of one run of 1,000,000 steps, with everything included, after the store is closed. */
async function size(name: string, doubles: boolean): Promise<number> {
  const steps = 1_000_000
  await withStore(name, async (store) => {
    await ingest(store, ['run'], steps, 500, { doubles })
    await finish(store, ['run'])
  })
  return Math.round((statSync(join(root, name, 'normwatch.db')).size / (2 * steps)) * 100) / 100
}

/** A backup of two runs of 10,000,000 steps, and the deletion of one of them. */
async function upkeep() {
  const bytes = await withStore('upkeep', async (store, folder) => {
    const size = () => statSync(join(folder, 'normwatch.db')).size
    const runOf = async (run: string) => {
      await ingest(store, [run], 10_000_000, 10_000)
      await finish(store, [run])
    }
    await runOf('kept')
    const before = size()
    await runOf('doomed')
    return size() - before
  })
  return withServer('upkeep', async (server, folder) => ({
    'backup of 20000000': await backup(server, folder),
    'delete 10000000': await removal(server, folder, 'doomed', bytes),
  }))
}

async function bench() {
  const eight = Array.from({ length: 8 }, (_, i) => `run-${i}`)
  const ingested = await withStore('ingest', async (store) => {
    const batches = await ingest(store, eight, 500_000, 500)
    const singles = await ingest(
      store,
      Array.from({ length: 200 }, (_, i) => `one-${i}`),
      300,
      1,
    )
    return { batches, singles, rssMegabytes: Math.round(process.memoryUsage.rss() / 1e6) }
  })
  const bytesAScalar = { float32: await size('singles', false), float64: await size('doubles', true) }
  const large = await withStore('charts', async (store) => {
    const results: Record<string, unknown> = {}
    for (const [run, steps] of [
      ['small', 10_000],
      ['middle', 1_000_000],
      ['large', 10_000_000],
    ] as const) {
      await ingest(store, [run], steps, Math.min(10_000, steps))
      await finish(store, [run])
      results[`charts ${steps}`] = await charts(store, run, steps)
    }
    const edit = (run: string) => (i: number) =>
      store.runs.patch(run, { clip: { mode: 'norm', max_norm: 0.9 + i / 100 } }, 0)
    results['edited cap 1000000'] = await timed(5, 0, edit('middle'))
    results['edited cap 10000000'] = await timed(2, 0, edit('large'))
    const begin = performance.now()
    await store.runs.patch('large', { truncate_after: 4_999_999 }, 0)
    results['truncate half of 10000000, ms'] = Math.round(performance.now() - begin)
    return results
  })
  const kept = await upkeep()
  await withStore('list', (store) => makeRuns(store, 10_000))
  const list = await withServer('list', ({ url }) => runList(url))
  return {
    ingest: ingested,
    bytesAScalar,
    ...large,
    ...kept,
    'runs list of 10000': list,
  }
}

try {
  const results = {
    ...machine(),
    ...(await bench()),
  }
  console.log(JSON.stringify(results, null, 2))
  await writeResults(import.meta.dirname, results)
} finally {
  rmSync(root, { recursive: true })
}
