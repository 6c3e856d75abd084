import { expect, it } from 'vitest'
import { startApp } from '../../test/start-app.ts'
import type { Store } from '../storage/store.ts'
import { RecentNorms } from './recent-norms.ts'

/** A run of three norms, and its records as a clock `later` milliseconds ahead would have them. */
async function runWithNorms(later: number) {
  const { call, services } = await startApp()
  const post = (norms: number[], from: number) =>
    call('POST', '/runs/a/points', { columns: { step: norms.map((_, i) => from + i), grad_norm: norms } })
  await call('PUT', '/runs/a', {})
  await post([1, 2, 3], 0)
  let reads = 0
  const points: Store['points'] = Object.create(services.store.points, {
    norms: {
      value: (...args: Parameters<Store['points']['norms']>) => (
        reads++,
        services.store.points.norms(...args)
      ),
    },
  })
  const store = { ...services.store, runs: services.store.runs, points }
  const norms = new RecentNorms({ store, now: () => Date.now() + later })
  return { norms, post, reads: () => reads }
}

it('reads the norms of a run that rests once, however many caps are tried on them', async () => {
  const { norms, reads } = await runWithNorms(5_000)
  for (let turn = 0; turn < 3; turn++) expect((await norms.of('a', {})).count).toBe(3)
  expect(reads()).toBe(1)
  expect((await norms.of('a', { from: 1 })).count).toBe(2)
  expect(reads()).toBe(2)
})

it(
  'reads of another range of such a run only what the ranges before did not hold',
  { timeout: 60_000 },
  async () => {
    const { norms, post, reads } = await runWithNorms(5_000)
    const count = 10_000
    for (let from = 3; from < 140_000; from += count) {
      await post(
        Array.from({ length: count }, (_, i) => from + i),
        from,
      )
    }
    expect((await norms.of('a', {})).count).toBe(140_003)
    const before = reads()
    // the stretches from 65,536 to 139,263 are at hand
    const part = await norms.of('a', { from: 60_000, to: 139_999 })
    expect(reads() - before).toBe(2)
    expect(part.count).toBe(80_000)
    expect(part.quantiles([0, 0.5, 1])).toEqual([60_000, 99_999.5, 139_999])
  },
)

it('reads again what was changed', async () => {
  const { norms, post } = await runWithNorms(5_000)
  expect((await norms.of('a', {})).quantiles([1])).toEqual([3])
  await post([9], 2)
  expect((await norms.of('a', {})).quantiles([1])).toEqual([9])
})

it('keeps nothing of a run that was changed just now', async () => {
  const { norms, reads } = await runWithNorms(-60_000)
  await norms.of('a', {})
  await norms.of('a', {})
  expect(reads()).toBe(2)
})
