import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { append as appendTo, columns } from '../../store.fixture.ts'
import { StoreUnavailable } from '../../store.ts'
import { openSqliteStore } from '../open.ts'

/** Fills the small disk at the folder given, makes room again, and prints what happened as JSON. */
const folder = process.argv[2] as string
const ballast = join(folder, 'ballast')
writeFileSync(ballast, Buffer.alloc(2_500_000))
const store = await openSqliteStore({ folder: join(folder, 'data') })
await store.runs.put('run', {}, 0)

let next = 0
const append = async (): Promise<void> => {
  const steps = Array.from({ length: 500 }, (_, i) => next + i)
  const loss = steps.map(() => Math.random())
  await appendTo(store, { run: 'run', columns: columns(steps, { loss }), state: 'null' })
  next += 500
}
const failureOf = async (work: () => Promise<unknown>): Promise<string | null> => {
  try {
    await work()
    return null
  } catch (error) {
    return error instanceof StoreUnavailable ? error.message : `wrong error: ${String(error)}`
  }
}
const stored = async (): Promise<number> =>
  (await store.points.series({ run: 'run', metrics: [], maxPoints: 1 })).total

let refusal: string | null = null
while (refusal === null) refusal = await failureOf(append)
const whenFull = {
  refusal,
  ready: await failureOf(() => store.check()),
  acknowledged: next,
  stored: await stored(),
}
rmSync(ballast)
const afterwards = { refusal: await failureOf(append), ready: await failureOf(() => store.check()) }
process.stdout.write(JSON.stringify({ whenFull, afterwards, acknowledged: next, stored: await stored() }))
await store.close()
