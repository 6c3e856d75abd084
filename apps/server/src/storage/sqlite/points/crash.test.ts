import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import type { Store } from '../../store.ts'
import { openSqliteStore } from '../open.ts'

const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 4)
const writer = join(import.meta.dirname, 'crash-writer.fixture.ts')

/** Runs a writer until it has had some batches acknowledged, kills it at once, and gives the last count of each run. */
async function writeUntilKilled(folder: string, batches: number): Promise<Map<string, number>> {
  const acknowledged = new Map<string, number>()
  const child = spawn(process.execPath, [writer, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let lines = 0
  for await (const line of createInterface(child.stdout)) {
    const [run, count] = line.split(' ') as [string, string]
    acknowledged.set(run, Number(count))
    if (++lines === batches) child.kill('SIGKILL')
  }
  if (child.signalCode === null) await once(child, 'exit')
  return acknowledged
}

async function expectWhole(store: Store, run: string, acknowledged: number): Promise<void> {
  const seed = ['a', 'b', 'c'].indexOf(run)
  let next = 0
  let batchEnd = 0
  for await (const { step, metrics } of store.points.read(run, {})) {
    const norms = metrics.get('grad_norm')?.values
    const ends = metrics.get('batch')?.values
    step.forEach((at, row) => {
      if (at !== next || norms?.[row] !== at * 1.1 + seed)
        throw new Error(`step ${at} of ${run} is wrong or twice`)
      batchEnd = ends?.[row] ?? NaN
      next++
    })
  }
  expect(next).toBeGreaterThanOrEqual(acknowledged)
  // the last batch is there whole
  expect(batchEnd).toBe(next === 0 ? 0 : next)
  const { points, last_step } = await store.runs.get(run)
  expect({ points, last_step }).toEqual({ points: next, last_step: next === 0 ? null : next - 1 })
  const { state, since } = await store.points.detection(run)
  const judged = state === undefined ? 0 : (JSON.parse(state) as { judged: number }).judged
  expect(since.reduce((sum, { columns }) => sum + columns.step.length, judged)).toBe(next)
}

it(
  'keeps every acknowledged batch, once and whole, however often it is killed',
  { timeout: 20_000 * ROUNDS },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'normwatch-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await writeUntilKilled(folder, 1 + Math.floor(Math.random() * 200))
      const store = await openSqliteStore({ folder })
      for (const [run, count] of acknowledged) await expectWhole(store, run, count)
      await store.close()
    }
  },
)
