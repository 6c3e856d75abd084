import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { startApp, tempFolder } from './start-app.ts'

/**
 * Written by version 0.1.0 (commit 98dd553): `clipped`, 6,000 steps of grad_norm above a cap of 1 with an open finding and
 * its delivery in the outbox; `gan`, 300 steps of `grad_norm/critic` and `grad_norm/generator`, which were metrics like any
 * other then; a channel and a mute.
 */
const DATA = join(import.meta.dirname, 'fixtures/data-0.1.0.db.zst')

async function openOld() {
  const folder = await tempFolder()
  await writeFile(join(folder, 'normwatch.db'), zstdDecompressSync(await readFile(DATA)))
  // two hours after its newest points: the delivery is due
  return startApp({ folder, now: () => Date.UTC(2026, 0, 1, 4) })
}
const step = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

it('shows the runs, findings, channels and deliveries of an older data folder as they were', async () => {
  const { call, services } = await openOld()
  const run = (await call('GET', '/runs/clipped')).body
  expect(run).toMatchObject({
    project: 'old',
    config: { lr: 0.1 },
    notes: 'kept',
    created_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T01:40:00.000Z',
    points: 6000,
    clipping: { rate: 1, rate_total: 5999 / 6000, longest_streak: 5992 },
    health: 'flagged',
    conditions: [{ kind: 'clip_saturated', part: null, since_step: 25 }],
    parts: [],
  })
  const { findings } = (await call('GET', '/findings')).body
  expect(findings).toMatchObject([{ run: 'clipped', part: null, state: 'open', opened_step: 25 }])
  expect(findings[0].id).toBe(run.conditions[0].finding)
  const { series } = (await call('GET', '/runs/clipped/series?metric=grad_norm&max_points=10')).body
  const total = (list: number[]) => list.reduce((sum, count) => sum + count, 0)
  expect([total(series.grad_norm.count), total(series.grad_norm.over)]).toEqual([6000, 5999])
  expect((await call('GET', '/mutes')).body.mutes).toMatchObject([{ id: 'mute_1', run: 'none' }])
  const [claimed] = await services.store.deliveries.claim({
    now: Date.UTC(2026, 0, 1, 4),
    leaseMs: 1,
    limit: 1,
    except: [],
  })
  const opened_at = Date.parse(findings[0].opened_at)
  expect(claimed?.events).toMatchObject([{ finding: { part: null, opened_at, closed_at: null } }])
})

it('goes on judging a run of an older data folder where it stopped', async () => {
  const { call } = await openOld()
  const norms = step(6000, 400)
  await call('POST', '/runs/clipped/points', { columns: { step: norms, grad_norm: norms.map(() => 0.5) } })
  await expect
    .poll(async () => (await call('GET', '/runs/clipped')).body)
    .toMatchObject({ points: 6400, health: 'ok', clipping: { rate: 0, rate_total: 5999 / 6400 } })
  // judged again by rules that count the memory of its smooth norms, the finding of step 25 begins at another step
  expect((await call('GET', '/findings?kind=clip_saturated')).body.findings).toMatchObject([
    { state: 'closed', close_reason: 'recovered', onset: 0 },
    { state: 'closed', close_reason: 'settings_changed', opened_step: 25 },
  ])
})

it('makes parts of what an older version stored as metrics, once they are logged again, judged from the first step', async () => {
  const { call } = await openOld()
  expect((await call('GET', '/runs/gan')).body.parts).toEqual([])
  const columns = { step: [300], 'grad_norm/critic': [20], 'grad_norm/generator': [0.5] }
  await call('POST', '/runs/gan/points', { columns })
  await expect.poll(async () => (await call('GET', '/runs/gan')).body.health).toBe('ok')
  const { parts } = (await call('GET', '/runs/gan')).body
  expect(parts).toMatchObject([
    { name: 'critic', health: 'ok', clipping: { window: 0, rate: null, rate_total: 0 } },
    { name: 'generator', health: 'ok' },
  ])
  const edited = await call('PATCH', '/runs/gan', {
    parts: { critic: { clip: { mode: 'norm', max_norm: 1 } } },
  })
  expect(edited.body).toMatchObject({
    health: 'flagged',
    parts: [
      { name: 'critic', health: 'flagged', clipping: { rate: 1, rate_total: 1, longest_streak: 301 } },
      {},
    ],
    conditions: [{ part: 'critic', kind: 'clip_saturated' }],
  })
})
