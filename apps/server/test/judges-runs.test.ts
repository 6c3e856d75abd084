import { describe, expect, it } from 'vitest'
import { startApp, tempFolder, type TestApp } from './start-app.ts'

/** `count` steps from `from` on whose norm is `norm` and whose loss falls. */
function steps(from: number, count: number, norm: number | ((step: number) => number)) {
  const step = Array.from({ length: count }, (_, i) => from + i)
  return {
    columns: {
      step,
      time: step.map((s) => 1_764_000_000 + s),
      grad_norm: step.map((s) => (typeof norm === 'number' ? norm : norm(s))),
      loss: step.map((s) => 3 - s / 10_000),
    },
  }
}

interface Listed {
  id: string
  explained?: boolean
  kind: string
  state: string
  opened_step: number
  close_reason: string | null
  diagnosis: unknown[]
}

/** The findings; whether they are explained yet is a matter of time. */
const findings = async ({ call }: TestApp, query = '') => {
  const { body } = await call('GET', `/runs/r/findings${query}`)
  return (body.findings as Listed[]).map(({ explained: _, ...finding }) => finding)
}

/** A quiet start, then a norm three times the cap. */
async function saturate(app: TestApp): Promise<void> {
  await app.call('PUT', '/runs/r', { clip: { mode: 'norm', max_norm: 1 } })
  await app.call('POST', '/runs/r/points', steps(0, 300, 0.5))
  await app.call('POST', '/runs/r/points', steps(300, 300, 3))
}

describe('a run that keeps exceeding its cap', () => {
  it('is flagged, with the finding named as the reason', async () => {
    const app = await startApp()
    await saturate(app)
    const run = (await app.call('GET', '/runs/r')).body
    const [finding] = await findings(app, '?kind=clip_saturated')
    expect(finding).toMatchObject({ state: 'open', severity: 'warning' })
    expect(finding?.opened_step).toBeGreaterThan(300)
    expect(run.health).toBe('flagged')
    expect(run.conditions).toContainEqual(
      expect.objectContaining({ kind: 'clip_saturated', finding: finding?.id, severity: 'warning' }),
    )
    expect(run.clipping).toMatchObject({ rate: 1, rate_total: 0.5, current_streak: 300, longest_streak: 300 })
    expect(run.clipping.mean_coefficient).toBeCloseTo(1 / 3, 5)
  })

  it('recovers when the norm falls below the cap', async () => {
    const app = await startApp()
    await saturate(app)
    await app.call('POST', '/runs/r/points', steps(600, 300, 0.5))
    expect(await findings(app, '?kind=clip_saturated')).toMatchObject([
      { state: 'closed', close_reason: 'recovered' },
    ])
    expect((await app.call('GET', '/runs/r')).body.health).not.toBe('flagged')
  })

  it.each([
    ['finished', 'run_finished'],
    ['failed', 'run_failed'],
  ])('closes its findings when it is %s, and stays flagged', async (status, reason) => {
    const app = await startApp()
    await saturate(app)
    const ended = (await app.call('PATCH', '/runs/r', { status })).body
    expect(ended).toMatchObject({ status, health: 'flagged' })
    expect(ended.ended_at).not.toBeNull()
    expect(await findings(app, '?state=open')).toEqual([])
    expect(await findings(app, '?kind=clip_saturated')).toMatchObject([{ close_reason: reason }])
  })

  it('opens nothing more after its end, and goes on when it is set to running', async () => {
    const app = await startApp()
    await saturate(app)
    await app.call('PATCH', '/runs/r', { status: 'finished' })
    const known = await findings(app)
    await app.call('POST', '/runs/r/points', steps(600, 100, 3))
    expect(await findings(app)).toEqual(known)
    expect((await app.call('GET', '/runs/r')).body).toMatchObject({
      points: 700,
      status: 'finished',
      health: 'flagged',
    })
    await app.call('PATCH', '/runs/r', { status: 'running' })
    await app.call('POST', '/runs/r/points', steps(700, 300, 3))
    expect(await findings(app, '?kind=clip_saturated&state=open')).toHaveLength(1)
  })
})

describe('the same readings', () => {
  const norm = (step: number) => (step < 200 ? 0.4 : step < 600 ? 2 + (step % 7) / 10 : 0.3)

  it('give the same findings in one batch, in many, repeated, and across a restart', async () => {
    const outcomes: unknown[] = []
    for (const { size, restart } of [
      { size: 1000, restart: false },
      { size: 13, restart: false },
      { size: 50, restart: true },
    ]) {
      const folder = await tempFolder()
      let app = await startApp({ folder })
      await app.call('PUT', '/runs/r', { clip: { mode: 'norm', max_norm: 1 } })
      for (let from = 0; from < 1000; from += size) {
        const batch = steps(from, Math.min(size, 1000 - from), norm)
        await app.call('POST', '/runs/r/points', batch)
        if (restart && from % 200 === 0) {
          await app.call('POST', '/runs/r/points', batch)
          await app.services.store.close()
          app = await startApp({ folder })
        }
      }
      const { health, clipping, points } = (await app.call('GET', '/runs/r')).body
      const seen = (await findings(app)).map(({ id: _, ...finding }) => finding)
      outcomes.push({ health, clipping, points, seen })
    }
    expect(outcomes[0]).toMatchObject({ points: 1000 })
    expect((outcomes[0] as { seen: unknown[] }).seen.length).toBeGreaterThan(0)
    expect(outcomes[1]).toEqual(outcomes[0])
    expect(outcomes[2]).toEqual(outcomes[0])
  })

  it('are judged once when batches of one run arrive at the same time', async () => {
    const app = await startApp()
    await app.call('PUT', '/runs/r', { clip: { mode: 'norm', max_norm: 1 } })
    const batches = Array.from({ length: 60 }, (_, i) => steps(i * 10, 10, norm))
    const answers = await Promise.all(batches.map((batch) => app.call('POST', '/runs/r/points', batch)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await app.call('GET', '/runs/r')).body.points).toBe(600)
    expect(await findings(app, '?kind=clip_saturated')).toHaveLength(1)
  })
})

describe('a record that is judged again', () => {
  it('closes what a higher cap explains, and opens it again under the old one', async () => {
    const app = await startApp()
    await saturate(app)
    const [before] = await findings(app, '?kind=clip_saturated')
    const eased = (await app.call('PATCH', '/runs/r', { clip: { mode: 'norm', max_norm: 10 } })).body
    expect(eased).toMatchObject({ health: 'ok', clipping: { rate: 0, rate_total: 0, longest_streak: 0 } })
    expect(await findings(app, '?kind=clip_saturated')).toMatchObject([
      { id: before?.id, state: 'closed', close_reason: 'settings_changed' },
    ])
    await app.call('PUT', '/runs/r', { clip: { mode: 'norm', max_norm: 1 } })
    const [again, ...others] = await findings(app, '?kind=clip_saturated&state=open')
    expect(again).toMatchObject({ opened_step: before?.opened_step })
    expect(others).toEqual([])
    expect((await app.call('GET', '/runs/r')).body.health).toBe('flagged')
  })

  it('keeps the findings that the new facts confirm', async () => {
    const app = await startApp()
    await saturate(app)
    const before = await findings(app)
    await app.call('PATCH', '/runs/r', { clip: { mode: 'norm', max_norm: 1.01 } })
    expect((await findings(app, '?kind=clip_saturated')).map(({ id }) => id)).toEqual(
      before.filter(({ kind }) => kind === 'clip_saturated').map(({ id }) => id),
    )
  })

  it('forgets the steps that were truncated', async () => {
    const app = await startApp()
    await saturate(app)
    const run = (await app.call('PATCH', '/runs/r', { truncate_after: 299 })).body
    expect(run).toMatchObject({ points: 300, last_step: 299, health: 'ok', clipping: { rate: 0 } })
    expect(await findings(app, '?state=open')).toEqual([])
    await app.call('POST', '/runs/r/points', steps(300, 300, 3))
    expect(await findings(app, '?kind=clip_saturated&state=open')).toHaveLength(1)
  })

  it('misses nothing of what arrives meanwhile', async () => {
    const app = await startApp()
    await saturate(app)
    const arriving = Array.from({ length: 40 }, (_, i) => steps(600 + i * 10, 10, 3))
    const [edited] = await Promise.all([
      app.call('PATCH', '/runs/r', { clip: { mode: 'norm', max_norm: 2 } }),
      ...arriving.map((batch) => app.call('POST', '/runs/r/points', batch)),
    ])
    expect(edited.status).toBe(200)
    const run = (await app.call('GET', '/runs/r')).body
    expect(run).toMatchObject({ points: 1000, clipping: { current_streak: 700, longest_streak: 700 } })
  })
})
