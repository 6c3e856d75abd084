import { describe, expect, it } from 'vitest'
import { isType, liveClient } from './live-client.ts'
import { startApp } from './start-app.ts'

const saved = { step: 340, label: 'checkpoint saved' }

describe('events of a run', () => {
  it('are kept with their time, replaced by the same step and label, and listed by step', async () => {
    const { call } = await startApp({ now: () => 5_000 })
    await call('PUT', '/runs/r', {})
    const first = [saved, { step: 10, time: 1.5, label: 'stage', text: 'warm-up' }]
    expect((await call('POST', '/runs/r/events', { events: first })).body).toEqual({ accepted: 2 })
    await call('POST', '/runs/r/events', { events: [{ ...saved, text: 'ckpt.pt' }] })
    const stage = { step: 10, time: 1.5, label: 'stage', text: 'warm-up' }
    const now = { ...saved, time: 5, text: 'ckpt.pt' }
    expect((await call('GET', '/runs/r/events')).body).toEqual({ events: [stage, now] })
    expect((await call('GET', '/runs/r/events?from=11')).body).toEqual({ events: [now] })
    expect((await call('GET', '/runs/r/events?to=10')).body).toEqual({ events: [stage] })
  })

  it('are told to those who watch the run', async () => {
    const { call, listen } = await startApp()
    await call('PUT', '/runs/r', {})
    const client = await liveClient(await listen())
    client.send({ type: 'watch', run: 'r' })
    await client.until(isType('run'))
    await call('POST', '/runs/r/events', { events: [{ ...saved, time: 2 }] })
    const told = await client.until(isType('event'))
    expect(told).toMatchObject({ run: 'r', event: { ...saved, time: 2, text: null } })
  })

  it.each([
    ['no events', { events: [] }, '/events'],
    [
      '1,001 events',
      { events: Array.from({ length: 1_001 }, (_, step) => ({ step, label: 'x' })) },
      '/events',
    ],
    ['a step below 0', { events: [saved, { step: -1, label: 'x' }] }, '/events/1/step'],
    ['an empty label', { events: [{ step: 1, label: '' }] }, '/events/0/label'],
    ['a label of 129 characters', { events: [{ step: 1, label: 'x'.repeat(129) }] }, '/events/0/label'],
    ['a text of 2,049 characters', { events: [{ ...saved, text: 'x'.repeat(2_049) }] }, '/events/0/text'],
    ['a time in milliseconds', { events: [{ ...saved, time: 1764000000000 }] }, '/events/0/time'],
    ['a field that is not known', { events: [{ ...saved, kind: 'x' }] }, '/events/0/kind'],
  ])('with %s are refused as a whole', async (_, body, path) => {
    const { call } = await startApp()
    await call('PUT', '/runs/r', {})
    const refused = await call('POST', '/runs/r/events', body)
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { code: 'events_invalid', details: [{ path }] } },
    })
    expect((await call('GET', '/runs/r/events')).body).toEqual({ events: [] })
  })

  it('of an unknown run are 404', async () => {
    const { call } = await startApp()
    expect((await call('POST', '/runs/r/events', { events: [saved] })).body.error.code).toBe('run_not_found')
    expect((await call('GET', '/runs/r/events')).body.error.code).toBe('run_not_found')
  })
})

it('a run that was preempted has ended, and what was open closed with it', async () => {
  const { call } = await startApp()
  await call('PUT', '/runs/r', { clip: { mode: 'norm', max_norm: 1 } })
  const rows = Array.from({ length: 400 }, (_, step) => ({ step, grad_norm: 5 + (step % 7) * 0.1 }))
  await call('POST', '/runs/r/points', { points: rows })
  const open = (await call('GET', '/runs/r/findings?state=open')).body.findings
  expect(open).not.toEqual([])
  const ended = await call('PATCH', '/runs/r', { status: 'preempted' })
  expect(ended.body).toMatchObject({ status: 'preempted', ended_at: expect.any(String) })
  const closed = (await call('GET', '/runs/r/findings?state=closed')).body.findings
  expect(closed.map(({ close_reason }: { close_reason: string }) => close_reason)).toContain('run_preempted')
  expect((await call('GET', '/runs?status=preempted')).body.runs).toHaveLength(1)
})
