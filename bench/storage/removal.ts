import { statSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Store } from '../../apps/server/src/storage/store.ts'
import { ingest } from './ingest.ts'

/** Deletes a large run while others go on, and waits until its space is given back. */
export async function removal(store: Store, folder: string, run: string) {
  const size = () => statSync(join(folder, 'normwatch.db')).size
  const before = size()
  const begin = performance.now()
  await store.runs.delete(run)
  const answered = performance.now() - begin
  const beside = await ingest(store, ['beside-0', 'beside-1', 'beside-2', 'beside-3'], 50_000, 100)
  let last = NaN
  while (size() !== last) {
    last = size()
    await pause(1000)
  }
  return {
    answeredMs: Math.round(answered * 100) / 100,
    ingestBeside: beside,
    megabytesBefore: Math.round(before / 1e6),
    megabytesAfter: Math.round(size() / 1e6),
  }
}
