import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { aFinding } from '../src/alerts/fixtures/event.ts'
import { rejudge } from '../src/storage/store.fixture.ts'
import { StoreUnavailable } from '../src/storage/store.ts'
import { startAlerts, secret } from './alerts-bench.ts'
import { startReceiver } from './alerts-receiver.ts'
import { freePort } from './free-port.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

describe('a finding', () => {
  it('is told once when it opens and once when it ends, signed, with the reason', async () => {
    const alerts = await startAlerts()
    const receiver = await startReceiver()
    await alerts.channel('ch-1', { url: receiver.url })
    await alerts.open('run-1', 'f-1')
    await expect.poll(() => receiver.received.length).toBe(1)
    await alerts.close('run-1', 'f-1')
    await expect.poll(() => receiver.received.length).toBe(2)
    const bodies = receiver.received.map(({ body, headers }) =>
      new Webhook(secret).verify(body, headers as Record<string, string>),
    )
    expect(bodies).toMatchObject([
      {
        type: 'finding.opened',
        data: {
          finding: { id: 'f-1', state: 'open', diagnosis: [{ cause: 'lr_too_high' }] },
          run: { id: 'run-1', url: 'https://norms.example/runs/run-1' },
        },
      },
      {
        type: 'finding.closed',
        data: { finding: { id: 'f-1', state: 'closed', close_reason: 'recovered' } },
      },
    ])
    await expect
      .poll(async () => (await alerts.deliveries()).map(({ state }) => state))
      .toEqual(['sent', 'sent'])
  })
  it('is told to nobody where judging a record again finds it in the past', async () => {
    const alerts = await startAlerts()
    const receiver = await startReceiver()
    await alerts.channel('ch-1', { url: receiver.url })
    await alerts.open('run-1', 'f-1')
    const closed = {
      closed_step: 9,
      closed_at: Date.UTC(2026, 0, 1),
      close_reason: 'recovered',
    } as const
    await rejudge(alerts.store, 'run-1', {
      changes: [
        { type: 'opened', finding: aFinding({ id: 'f-2', run: 'run-1' }) },
        { type: 'closed', id: 'f-2', ...closed },
        { type: 'closed', id: 'f-1', ...closed },
      ],
    })
    await expect.poll(() => receiver.received.length).toBe(2)
    const told = (await alerts.deliveries()).flatMap(({ events }) => events.map(({ finding }) => finding))
    expect(told).toEqual(['f-1', 'f-1'])
  })
  it('of a storm of 200 runs is one message a channel', async () => {
    const alerts = await startAlerts({ groupSeconds: 30 })
    const [one, two] = [await startReceiver(), await startReceiver()]
    await alerts.channel('ch-1', { url: one.url })
    await alerts.channel('ch-2', { url: two.url, kind: 'slack' })
    await Promise.all(Array.from({ length: 200 }, (_, i) => alerts.open(`run-${i}`, `f-${i}`)))
    alerts.pass(29 * SECOND)
    expect((await alerts.deliveries()).map(({ state }) => state)).toEqual(['pending', 'pending'])
    alerts.pass(SECOND)
    await expect
      .poll(async () => (await alerts.deliveries()).map(({ state }) => state))
      .toEqual(['sent', 'sent'])
    expect([one.received.length, two.received.length]).toEqual([1, 1])
    const { type, data } = JSON.parse(one.received[0]?.body ?? '')
    expect(type).toBe('finding.group')
    expect(new Set(data.events.map((event: { run: { id: string } }) => event.run.id)).size).toBe(200)
  })
})

describe('a receiver', () => {
  it('that is down for an hour gets the message afterwards, under one id', async () => {
    const alerts = await startAlerts()
    const port = await freePort()
    await alerts.channel('ch-1', { url: `http://127.0.0.1:${port}/` })
    await alerts.open('run-1', 'f-1')
    const tries = async () => (await alerts.deliveries())[0]?.tries
    await expect
      .poll(async () => (await alerts.deliveries())[0]?.error)
      .toBe('The receiver refused the connection.')
    for (const [wait, count] of [
      [5 * SECOND, 2],
      [5 * MINUTE, 3],
      [30 * MINUTE, 4],
    ] as const) {
      alerts.pass(wait - 1)
      alerts.pass(1)
      await expect.poll(tries).toBe(count)
      await expect.poll(async () => (await alerts.store.deliveries.queue(alerts.clock())).due).toBe(0)
    }
    expect(await alerts.store.channels.get('ch-1')).toMatchObject({
      failing_error: 'The receiver refused the connection.',
    })
    const receiver = await startReceiver()
    await alerts.store.channels.update('ch-1', { url: receiver.url }, alerts.clock())
    alerts.pass(2 * HOUR)
    await expect.poll(async () => (await alerts.deliveries())[0]).toMatchObject({ state: 'sent', tries: 5 })
    expect(receiver.received).toHaveLength(1)
    expect(receiver.received[0]?.headers['webhook-id']).toBe((await alerts.deliveries())[0]?.id)
    expect(alerts.outcomes()).toEqual([
      ['ch-1', 'retried', 4],
      ['ch-1', 'sent', 1],
    ])
  })
  it.each([
    [500, 'The receiver answered 500.'],
    [302, 'The receiver answered 302. Redirects are not followed.'],
  ])('that always answers %i gets seven tries under one id, then it has failed', async (status, error) => {
    const alerts = await startAlerts()
    const receiver = await startReceiver((response) =>
      response.writeHead(status, { location: '/x' }).end('no'),
    )
    await alerts.channel('ch-1', { url: receiver.url })
    await alerts.open('run-1', 'f-1')
    for (const wait of [0, 5, 300, 1_800, 7_200, 18_000, 36_000]) {
      const before = receiver.received.length
      alerts.pass(wait * SECOND)
      if (wait > 0) await expect.poll(() => receiver.received.length).toBe(before + 1)
      await expect.poll(async () => (await alerts.store.deliveries.queue(alerts.clock())).due).toBe(0)
    }
    await expect
      .poll(async () => (await alerts.deliveries())[0])
      .toMatchObject({
        state: 'failed',
        tries: 7,
        status,
        error,
        response: 'no',
        next_try_at: null,
      })
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    alerts.pass(48 * HOUR)
    await alerts.store.deliveries.redeliver((await alerts.deliveries())[0]?.id ?? '', alerts.clock())
    await expect.poll(() => receiver.received.length).toBe(8)
  })
  it('that answers 429 is left alone for as long as it asks', async () => {
    const alerts = await startAlerts()
    let status = 429
    const receiver = await startReceiver((response) =>
      response.writeHead(status, { 'retry-after': '120' }).end(),
    )
    await alerts.channel('ch-1', { url: receiver.url })
    await alerts.open('run-1', 'f-1')
    const dueIn = async () => ((await alerts.deliveries())[0]?.next_try_at ?? NaN) - alerts.clock()
    await expect.poll(dueIn).toBe(120 * SECOND)
    status = 200
    alerts.pass(120 * SECOND)
    await expect.poll(async () => (await alerts.deliveries())[0]?.state).toBe('sent')
  })
  it('that answers 410 is disabled, and its messages have failed', async () => {
    const alerts = await startAlerts()
    const receiver = await startReceiver((response) => response.writeHead(410).end())
    await alerts.channel('ch-1', { url: receiver.url })
    await alerts.open('run-1', 'f-1')
    await expect.poll(async () => (await alerts.store.channels.get('ch-1')).enabled).toBe(false)
    expect((await alerts.deliveries())[0]).toMatchObject({ state: 'failed', status: 410, tries: 1 })
    await alerts.open('run-1', 'f-2')
    expect(await alerts.deliveries()).toHaveLength(1)
    expect(alerts.outcomes()).toEqual([['ch-1', 'disabled', 1]])
  })
  it('that hangs delays no other channel, and holds two connections at the most', async () => {
    const alerts = await startAlerts({ timeoutMs: 60_000 })
    const hanging = await startReceiver(() => undefined)
    const quick = await startReceiver()
    await alerts.channel('ch-1', { url: hanging.url })
    await alerts.channel('ch-2', { url: quick.url })
    for (let i = 0; i < 20; i++) await alerts.open('run-1', `f-${i}`)
    await expect.poll(() => quick.received.length).toBe(20)
    expect(hanging.received.length).toBe(2)
  })
  it('among sixty that hang gets its turn within bounds', async () => {
    const alerts = await startAlerts({ timeoutMs: 1_000 })
    const hanging = await startReceiver(() => undefined)
    const quick = await startReceiver()
    for (let i = 0; i < 60; i++) await alerts.channel(`ch-${i}`, { url: hanging.url })
    await alerts.channel('quick', { url: quick.url })
    await alerts.open('run-1', 'f-1')
    await expect.poll(() => hanging.received.length).toBeGreaterThanOrEqual(31)
    expect(hanging.received.length).toBeLessThanOrEqual(32)
    await expect.poll(() => quick.received.length, { timeout: 10_000 }).toBe(1)
  })
})

describe('the worker', () => {
  it('misses nothing that is queued in the moment it falls asleep', async () => {
    let beforeSleep: (() => Promise<void>) | undefined
    const alerts = await startAlerts({
      watch: (deliveries) => ({
        ...deliveries,
        async nextDue(now) {
          const next = await deliveries.nextDue(now)
          await beforeSleep?.()
          return next
        },
      }),
    })
    const receiver = await startReceiver()
    await alerts.channel('ch-1', { url: receiver.url })
    beforeSleep = async () => {
      beforeSleep = undefined
      await alerts.open('run-1', 'f-1')
    }
    alerts.pass(0)
    await expect.poll(() => receiver.received.length).toBe(1)
  })
  it('tries again by itself when the store was away', async () => {
    let isAway = false
    const alerts = await startAlerts({
      watch: (deliveries) => ({
        ...deliveries,
        settle: (...settled) =>
          isAway ? Promise.reject(new StoreUnavailable('The disk is full.')) : deliveries.settle(...settled),
      }),
    })
    const receiver = await startReceiver()
    await alerts.channel('ch-1', { url: receiver.url })
    isAway = true
    await alerts.open('run-1', 'f-1')
    await expect.poll(() => receiver.received.length).toBe(1)
    isAway = false
    alerts.pass(60 * SECOND)
    await expect.poll(async () => (await alerts.deliveries())[0]).toMatchObject({ state: 'sent', tries: 2 })
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })
})

describe('a stop', () => {
  it('waits for the tries under way', async () => {
    const alerts = await startAlerts()
    let finish = (): unknown => undefined
    const receiver = await startReceiver((response) => (finish = () => response.writeHead(204).end()))
    await alerts.channel('ch-1', { url: receiver.url })
    await alerts.open('run-1', 'f-1')
    await expect.poll(() => receiver.received.length).toBe(1)
    const stopped = alerts.stop()
    finish()
    await stopped
    expect((await alerts.deliveries())[0]?.state).toBe('sent')
  })
  it('breaks off a try that lasts, which is made again after its lease', async () => {
    const alerts = await startAlerts({ timeoutMs: 60_000 })
    let hangs = true
    const receiver = await startReceiver((response) => void (hangs || response.writeHead(204).end()))
    await alerts.channel('ch-1', { url: receiver.url })
    await alerts.open('run-1', 'f-1')
    await expect.poll(() => receiver.received.length).toBe(1)
    await alerts.stop()
    expect((await alerts.deliveries())[0]?.state).toBe('pending')
    hangs = false
    alerts.restart()
    alerts.pass(60 * SECOND)
    await expect.poll(() => receiver.received.length).toBe(2)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  })
})
