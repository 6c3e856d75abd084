import { statSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerProcess } from '../server-process.ts'
import { whileWriting } from './while-writing.ts'

/**
 * Deletes a run of `bytes` over HTTP while clients send batches as fast as they are answered, until nine tenths of its space
 * are freed. For comparison, also measures the same batches for the same time without a deletion.
 */
export async function removal(server: ServerProcess, folder: string, run: string, bytes: number) {
  const size = () => statSync(join(folder, 'normwatch.db')).size
  const before = size()
  const quiet = await whileWriting(server, 'before', () => pause(2_000))
  const peak = size()
  let answered = NaN
  const beside = await whileWriting(server, 'beside', async () => {
    const begin = performance.now()
    await fetch(`${server.url}/api/v1/runs/${run}`, { method: 'DELETE' })
    answered = performance.now() - begin
    while (size() > peak - 0.9 * bytes) await pause(50)
  })
  return {
    answeredMs: Math.round(answered * 100) / 100,
    secondsUntilGivenBack: beside.seconds,
    ingestBeside: beside.batches,
    ingestWithout: quiet.batches,
    megabytesBefore: Math.round(before / 1e6),
    megabytesAfter: Math.round(size() / 1e6),
  }
}
