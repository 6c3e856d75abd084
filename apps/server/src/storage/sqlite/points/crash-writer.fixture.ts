import { writeSync } from 'node:fs'
import { append, columns } from '../../store.fixture.ts'
import { openSqliteStore } from '../open.ts'

/** Writes to the folder given until it is killed; says `run count` on standard output for each batch acknowledged. */
const store = await openSqliteStore({ folder: process.argv[2] as string })

async function write(run: string, seed: number): Promise<void> {
  let next = ((await store.runs.put(run, {}, 0)).run.last_step ?? -1) + 1
  for (let i = 0; ; i++) {
    // batches end where the reader can tell: at a multiple of their size
    const size = [1, 7, 64, 500][(i + seed) % 4] as number
    const count = size - (next % size)
    const steps = Array.from({ length: count }, (_, k) => next + k)
    await append(store, {
      run,
      columns: columns(steps, {
        grad_norm: steps.map((step) => step * 1.1 + seed),
        batch: steps.map(() => next + count),
      }),
      arrivedAt: 1_764_000_000_000 + next,
      state: i % 3 === 0 ? JSON.stringify({ judged: next + count }) : undefined,
    })
    next += count
    writeSync(1, `${run} ${next}\n`)
  }
}

await Promise.all(['a', 'b', 'c'].map((run, seed) => write(run, seed)))
