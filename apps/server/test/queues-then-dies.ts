import { parsePoints, type PointColumns } from '@normwatch/protocol'
import { Ingest } from '../src/ingest/ingest.ts'
import { Hub } from '../src/live/hub.ts'
import { openSqliteStore } from '../src/storage/sqlite/open.ts'

/** More batches than one transaction takes, of so many points that the first transaction saves a state. */
export const BATCHES = 700
const POINTS = 10
/** In a batch of the second transaction: a spike that opens a finding. */
const SPIKE = 600 * POINTS

/** Batch `i` of a quiet run with one spike. */
export function batchOf(i: number): PointColumns {
  const step = Array.from({ length: POINTS }, (_, k) => i * POINTS + k)
  const grad_norm = step.map((at) => (at >= SPIKE && at < SPIKE + 5 ? 1e4 : 1 + 0.1 * Math.sin(at)))
  const parsed = parsePoints({ columns: { step, time: step.map((at) => 1.7e9 + at), grad_norm } })
  if (!parsed.ok) throw new Error('the batch is wrong')
  return parsed.columns
}

/** Run as a program: queues all batches in one turn and dies of SIGKILL with the first acknowledgement. */
if (process.argv[1] === import.meta.filename) {
  const store = await openSqliteStore({ folder: process.argv[2] as string })
  const hub = new Hub(Date.now)
  const ingest = new Ingest(store, hub, Date.now, (error) => console.error(error))
  await ingest.put('run', {})
  await ingest.accept('run', batchOf(0))
  const others = Array.from({ length: BATCHES - 1 }, (_, i) => ingest.accept('run', batchOf(i + 1)))
  await Promise.race(others)
  process.kill(process.pid, 'SIGKILL')
}
