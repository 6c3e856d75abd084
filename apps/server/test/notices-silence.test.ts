import { describe, expect, it } from 'vitest'
import { startApp } from './start-app.ts'

const START = 1_764_000_000_000

/** A service whose clock the test turns, and one look of its silence watch. */
async function silentApp() {
  const clock = { now: START }
  const now = () => clock.now
  const app = await startApp({ now })
  const look = (since = START) => app.services.ingest.noticeSilence(since)
  const conditions = async () =>
    (await app.call('GET', '/runs/r')).body.conditions.map(({ kind }: { kind: string }) => kind) as string[]
  return { ...app, clock, look, conditions }
}

const points = (from: number, count: number, seconds: number) => ({
  points: Array.from({ length: count }, (_, i) => ({
    step: from + i,
    time: START / 1000 + (from + i) * seconds,
    grad_norm: 0.5,
  })),
})

describe('a running run that falls silent', () => {
  it('is stalled after a minute, keeps its state, and recovers with the next point', async () => {
    const { call, clock, look, conditions } = await silentApp()
    await call('PUT', '/runs/r', {})
    await call('POST', '/runs/r/points', points(0, 30, 1))
    clock.now += 59_000
    await look()
    expect(await conditions()).toEqual([])
    clock.now += 2_000
    await look()
    await look()
    expect(await conditions()).toEqual(['stalled'])
    expect((await call('GET', '/findings?kind=stalled&state=open')).body.findings).toHaveLength(1)
    expect((await call('GET', '/runs/r')).body).toMatchObject({
      status: 'running',
      points: 30,
      health: 'flagged',
      latest: { grad_norm: 0.5 },
    })
    await call('POST', '/runs/r/points', points(30, 1, 1))
    expect(await conditions()).toEqual([])
    expect((await call('GET', '/findings?kind=stalled')).body.findings).toMatchObject([
      { state: 'closed', close_reason: 'recovered' },
    ])
  })

  it('is given ten times its own rhythm', async () => {
    const { call, clock, look, conditions } = await silentApp()
    await call('PUT', '/runs/r', {})
    await call('POST', '/runs/r/points', points(0, 30, 30))
    clock.now += 290_000
    await look()
    expect(await conditions()).toEqual([])
    clock.now += 20_000
    await look()
    expect(await conditions()).toEqual(['stalled'])
  })

  it('is not blamed for the time in which no server listened, nor after its end', async () => {
    const { call, clock, look, conditions } = await silentApp()
    await call('PUT', '/runs/r', {})
    await call('POST', '/runs/r/points', points(0, 30, 1))
    clock.now += 3_600_000
    await look(clock.now - 10_000)
    expect(await conditions()).toEqual([])
    await call('PATCH', '/runs/r', { status: 'finished' })
    clock.now += 3_600_000
    await look()
    expect(await conditions()).toEqual([])
  })
})

it('serves others while thousands of silent runs are looked at', async () => {
  const { services, clock, look } = await silentApp()
  const { store } = services
  const count = 1_200
  await Promise.all(Array.from({ length: count }, (_, i) => store.runs.put(`run-${i}`, {}, START)))
  let turns = 0
  const counting = setInterval(() => turns++)
  clock.now += 30_000
  await look()
  expect(turns).toBeGreaterThan(3)
  clock.now += 31_000
  await look()
  clearInterval(counting)
  const { findings } = await store.findings.list({ kind: 'stalled', state: 'open', limit: 2 * count })
  expect(new Set(findings.map(({ run }) => run)).size).toBe(count)
}, 60_000)
