import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { openSqliteStore } from '../../apps/server/src/storage/sqlite/open.ts'
import type { Store } from '../../apps/server/src/storage/store.ts'
import { charts } from './charts.ts'
import { finish, ingest } from './ingest.ts'
import { removal } from './removal.ts'
import { runList } from './run-list.ts'
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

/** Bytes a scalar of one run of 1,000,000 steps, everything included, when the store is closed. */
async function size(name: string, doubles: boolean): Promise<number> {
  const steps = 1_000_000
  await withStore(name, async (store) => {
    await ingest(store, ['run'], steps, 500, { doubles })
    await finish(store, ['run'])
  })
  return Math.round((statSync(join(root, name, 'normwatch.db')).size / (2 * steps)) * 100) / 100
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
  const large = await withStore('charts', async (store, folder) => {
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
    await ingest(store, ['doomed'], 10_000_000, 10_000)
    results['delete 10000000'] = await removal(store, folder, 'doomed')
    return results
  })
  const list = await withStore('list', (store) => runList(store, 10_000))
  return { ingest: ingested, bytesAScalar, ...large, 'runs list of 10000': list }
}

try {
  const results = {
    machine: `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`,
    loadBefore: loadavg()[0],
    at: new Date().toISOString(),
    ...(await bench()),
  }
  console.log(JSON.stringify(results, null, 2))
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
} finally {
  rmSync(root, { recursive: true })
}
