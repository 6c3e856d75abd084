import { expect, it } from 'vitest'
import { startApp } from './start-app.ts'

it('shows every metric around a step, what moved there, and the findings and events there', async () => {
  const { call } = await startApp()
  await call('PUT', '/runs/a', { clip: { mode: 'norm', max_norm: 1 } })
  const steps = Array.from({ length: 120 }, (_, i) => i)
  const wobble = (i: number) => 1 + 0.05 * Math.sin(i * i)
  await call('POST', '/runs/a/points', {
    columns: {
      step: steps,
      grad_norm: steps.map((i) => (i < 80 ? 0.3 : 3) * wobble(i)),
      kl: steps.map((i) => (i < 78 ? 0.1 : 0.5) * wobble(i + 3)),
      reward: steps.map((i) => 2 * wobble(2 * i)),
    },
  })
  await call('POST', '/runs/a/events', { events: [{ step: 79, label: 'stage 2' }] })
  const { status, body } = await call('GET', '/runs/a/snapshot?around=80&width=10')
  expect(status).toBe(200)
  expect(body.metrics.map(({ metric }: { metric: string }) => metric).sort()).toEqual([
    'grad_norm',
    'kl',
    'reward',
  ])
  expect(body.moved).toMatchObject([{ metric: 'kl', at_step: 78, lead: -2 }])
  expect(body.moved[0].ratio).toBeCloseTo(5, 0)
  expect(body.findings.map(({ onset }: { onset: number }) => onset)).toContain(80)
  expect(body.events).toMatchObject([{ step: 79, label: 'stage 2' }])
  expect(await call('GET', '/runs/none/snapshot?around=80')).toMatchObject({ status: 404 })
  expect((await call('GET', '/runs/a/snapshot')).body).toMatchObject({ around: 119, width: 20 })
  expect(await call('GET', '/runs/a/snapshot?around=-1')).toMatchObject({ status: 400 })
})
