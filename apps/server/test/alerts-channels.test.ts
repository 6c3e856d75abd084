import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { startReceiver } from './alerts-receiver.ts'
import { freePort } from './free-port.ts'
import { startApp, type TestApp } from './start-app.ts'

const HOUR = 3_600_000

/** Points that clip from the first step on: the run is flagged. */
const saturated = (count: number, norm = 5) => ({
  columns: { step: Array.from({ length: count }, (_, i) => i), grad_norm: Array<number>(count).fill(norm) },
})

async function makeChannel({ call }: TestApp, fields: object) {
  const { status, body } = await call('POST', '/channels', { kind: 'webhook', ...fields })
  expect(status).toBe(201)
  return body
}

describe('channels', () => {
  it('show their secret once, and sign with it', async () => {
    const app = await startApp()
    const receiver = await startReceiver((response) => response.writeHead(200).end('hello'))
    const made = await makeChannel(app, { url: `${receiver.url}?token=hush` })
    expect(made).toMatchObject({
      kind: 'webhook',
      name: '127.0.0.1',
      url: `${receiver.url}?…`,
      min_severity: 'warning',
      enabled: true,
      failing: null,
      secret: expect.stringMatching(/^whsec_/),
    })
    const others = [
      await app.call('GET', `/channels/${made.id}`),
      await app.call('GET', '/channels'),
      await app.call('PATCH', `/channels/${made.id}`, { name: 'bot' }),
    ]
    for (const { text, status } of others) {
      expect(status).toBe(200)
      expect(text).not.toMatch(/whsec_|hush/)
    }
    const { body: said } = await app.call('POST', `/channels/${made.id}/test`)
    expect(said).toEqual({ ok: true, status: 200, body: 'hello', error: null })
    const { headers, body } = receiver.received[0] ?? expect.fail()
    const verified = new Webhook(made.secret).verify(body, headers as Record<string, string>)
    expect(verified).toMatchObject({ type: 'channel.test' })
  })
  it('sign with both secrets for a day after a rotation, then with the new one alone', async () => {
    let now = Date.now()
    const app = await startApp({ now: () => now })
    const receiver = await startReceiver()
    const { id, secret: old } = await makeChannel(app, { url: receiver.url })
    const { body: rotated } = await app.call('POST', `/channels/${id}/rotate-secret`)
    expect(rotated.secret).not.toBe(old)
    expect(Date.parse(rotated.old_secret_until)).toBe(now + 24 * HOUR)
    await app.call('POST', `/channels/${id}/test`)
    now += 24 * HOUR
    await app.call('POST', `/channels/${id}/test`)
    const counts = receiver.received.map(
      ({ headers }) => String(headers['webhook-signature']).split(' ').length,
    )
    expect(counts).toEqual([2, 1])
    expect((await app.call('GET', `/channels/${id}`)).body.old_secret_until).toBeNull()
  })
  it('of chat and email have no secret, and hide the address that lets its reader post', async () => {
    const app = await startApp()
    const slack = await makeChannel(app, { kind: 'slack', url: 'https://hooks.slack.com/services/T0/B0/xyz' })
    expect(slack).toMatchObject({ secret: null, url: 'https://hooks.slack.com/…', name: 'hooks.slack.com' })
    const email = await makeChannel(app, { kind: 'email', url: 'mailto:a@example.org,b@example.org' })
    expect(email).toMatchObject({ secret: null, url: 'mailto:a@example.org,b@example.org' })
    expect((await app.call('POST', `/channels/${email.id}/test`)).body).toMatchObject({
      ok: false,
      error: expect.stringContaining('NORMWATCH_SMTP_URL'),
    })
    expect(await app.call('POST', `/channels/${slack.id}/rotate-secret`)).toMatchObject({
      status: 409,
      body: { error: { code: 'channel_unsigned' } },
    })
  })
  it.each([
    ['channel_invalid', {}],
    ['channel_invalid', { kind: 'pigeon', url: 'http://x.example' }],
    ['channel_invalid', { kind: 'webhook', url: 'http://x.example', enabled: 'yes' }],
    ['channel_invalid', { kind: 'webhook', url: 'http://x.example', kinds: [] }],
    ['channel_invalid', { kind: 'webhook', url: 'http://x.example', kinds: ['flood'] }],
    ['channel_invalid', { kind: 'webhook', url: 'http://x.example', secret: 'whsec_mine' }],
    ['channel_invalid', { kind: 'webhook', url: 'ftp://x.example' }],
    ['channel_invalid', { kind: 'webhook', url: 'x.example' }],
    ['channel_invalid', { kind: 'webhook', url: 'http://user:pw@x.example' }],
    ['channel_invalid', { kind: 'email', url: 'mailto:nobody' }],
    ['channel_invalid', { kind: 'email', url: 'mailto:a@b%0d%0aBcc:c@d' }],
    ['channel_address_refused', { kind: 'webhook', url: 'http://10.0.0.1/' }],
    ['channel_address_refused', { kind: 'slack', url: 'http://0xA9FEA9FE/latest/meta-data' }],
    ['channel_address_refused', { kind: 'discord', url: 'http://[::ffff:10.0.0.1]/' }],
  ])('are refused with %s: %j', async (code, fields) => {
    const app = await startApp()
    expect(await app.call('POST', '/channels', fields)).toMatchObject({
      status: 400,
      body: { error: { code } },
    })
    expect((await app.call('GET', '/channels')).body).toEqual({ channels: [] })
  })
  it('are checked again when their address changes, and unknown ones are 404', async () => {
    const app = await startApp()
    const { id } = await makeChannel(app, { url: 'http://x.example/' })
    const patch = (body: object) => app.call('PATCH', `/channels/${id}`, body)
    expect((await patch({ url: 'http://192.168.0.1/' })).body.error.code).toBe('channel_address_refused')
    expect((await patch({ kind: 'slack' })).body.error.code).toBe('channel_invalid')
    expect((await patch({ enabled: false })).body).toMatchObject({ disabled_reason: 'Disabled by hand.' })
    expect((await patch({ enabled: true })).body).toMatchObject({ enabled: true, disabled_reason: null })
    expect((await app.call('DELETE', `/channels/${id}`)).status).toBe(204)
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/rotate-secret'],
      ['GET', '/deliveries'],
    ] as const) {
      const answer = await app.call(method, `/channels/${id}${path}`, method === 'PATCH' ? {} : undefined)
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'channel_not_found' } } })
    }
  })
})

describe('deliveries', () => {
  it('of a run that saturates are told, listed and sent again', async () => {
    const app = await startApp()
    const receiver = await startReceiver((response) => response.writeHead(202).end('noted'))
    const { id, secret } = await makeChannel(app, { url: receiver.url })
    app.services.alerts.start('https://norms.example')
    await app.call('PUT', '/runs/r1', { project: 'toy', clip: { mode: 'norm', max_norm: 1 } })
    expect((await app.call('POST', '/runs/r1/points', saturated(200))).status).toBe(200)
    await expect.poll(() => receiver.received.length).toBe(1)
    const { headers, body } = receiver.received[0] ?? expect.fail()
    const message = new Webhook(secret).verify(body, headers as Record<string, string>)
    expect(message).toMatchObject({
      type: 'finding.opened',
      data: { finding: { kind: 'clip_saturated', run: 'r1' }, run: { url: 'https://norms.example/runs/r1' } },
    })
    const list = async (path: string) => (await app.call('GET', path)).body.deliveries
    await expect.poll(async () => (await list('/deliveries?run=r1'))[0]?.state).toBe('sent')
    const [delivery] = await list(`/channels/${id}/deliveries`)
    expect(delivery).toMatchObject({
      id: headers['webhook-id'],
      channel: id,
      events: [{ type: 'finding.opened', run: 'r1' }],
      event_count: 1,
      tries: 1,
      status: 202,
      response: 'noted',
      error: null,
    })
    expect(await list(`/deliveries?finding=${delivery.events[0].finding}`)).toHaveLength(1)
    expect(await list('/deliveries?run=other')).toEqual([])
    expect((await app.call('POST', `/deliveries/${delivery.id}/redeliver`)).body.state).toBe('pending')
    await expect.poll(() => receiver.received.length).toBe(2)
    expect(receiver.received[1]?.headers['webhook-id']).toBe(delivery.id)

    await app.call('PATCH', '/runs/r1', { status: 'finished' })
    await expect.poll(() => receiver.received.length).toBe(3)
    expect(JSON.parse(receiver.received[2]?.body ?? '')).toMatchObject({
      type: 'finding.closed',
      data: { finding: { close_reason: 'run_finished' } },
    })
  })
  it('are refused where they are unknown or their channel is disabled', async () => {
    const app = await startApp()
    const { id } = await makeChannel(app, { url: `http://127.0.0.1:${await freePort()}/` })
    await app.call('PUT', '/runs/r1', { clip: { mode: 'norm', max_norm: 1 } })
    await app.call('POST', '/runs/r1/points', saturated(200))
    const [delivery] = (await app.call('GET', '/deliveries')).body.deliveries
    await app.call('PATCH', `/channels/${id}`, { enabled: false })
    const again = (delivery: string) => app.call('POST', `/deliveries/${delivery}/redeliver`)
    expect(await again(delivery.id)).toMatchObject({
      status: 409,
      body: { error: { code: 'channel_disabled' } },
    })
    expect(await again('msg_x')).toMatchObject({
      status: 404,
      body: { error: { code: 'delivery_not_found' } },
    })
    expect((await app.call('GET', '/deliveries?cursor=x')).body.error.code).toBe('cursor_invalid')
    expect((await app.call('GET', '/deliveries?state=lost')).body.error.code).toBe('query_invalid')
  })
  it('are counted for Prometheus by channel and outcome, with the age of the queue', async () => {
    const app = await startApp()
    const receiver = await startReceiver()
    const { id } = await makeChannel(app, { url: receiver.url })
    const metrics = async () => (await app.inject({ method: 'GET', url: '/metrics' })).text
    await app.call('PUT', '/runs/r1', { clip: { mode: 'norm', max_norm: 1 } })
    await app.call('POST', '/runs/r1/points', saturated(200))
    expect(await metrics()).toMatch(/^normwatch_delivery_queue_depth 1$/m)
    expect(await metrics()).toMatch(/^normwatch_delivery_queue_age_seconds \d/m)
    app.services.alerts.start('http://localhost')
    await expect.poll(metrics).toContain(`normwatch_deliveries_total{channel="${id}",outcome="sent"} 1`)
    expect(await metrics()).toMatch(/^normwatch_delivery_queue_depth 0$/m)
  })
})

describe('a storm', () => {
  it('of 200 runs that saturate at once is one message a channel, and points are accepted all the while', async () => {
    let now = Date.now()
    const app = await startApp({ now: () => now, groupSeconds: 30 })
    const receiver = await startReceiver()
    const hanging = await startReceiver(() => undefined)
    await makeChannel(app, { url: receiver.url })
    await makeChannel(app, { url: hanging.url })
    app.services.alerts.start('http://localhost')
    const saturate = async (run: string) => {
      await app.call('PUT', `/runs/${run}`, { clip: { mode: 'norm', max_norm: 1 } })
      return (await app.call('POST', `/runs/${run}/points`, saturated(60))).status
    }
    const statuses = await Promise.all(Array.from({ length: 200 }, (_, i) => saturate(`run-${i}`)))
    expect(new Set(statuses)).toEqual(new Set([200]))
    now += 30_000
    app.services.alerts.wake()
    await expect.poll(() => receiver.received.length).toBe(1)
    const { data } = JSON.parse(receiver.received[0]?.body ?? '')
    const runs = data.events.map((event: { run: { id: string } }) => event.run.id)
    expect([runs.length, new Set(runs).size]).toEqual([200, 200])
    await expect.poll(() => hanging.received.length).toBe(1)
    expect(await saturate('late')).toBe(200)
    expect(receiver.received).toHaveLength(1)
  })
})

describe('mutes', () => {
  it('hold the messages of a run until they are lifted', async () => {
    const app = await startApp()
    const receiver = await startReceiver()
    await makeChannel(app, { url: receiver.url })
    app.services.alerts.start('http://localhost')
    const until = new Date(Date.now() + HOUR).toISOString()
    const { status, body: mute } = await app.call('POST', '/mutes', { run: 'r1', until })
    expect(status).toBe(201)
    expect((await app.call('GET', '/mutes')).body).toEqual({ mutes: [mute] })
    await app.call('PUT', '/runs/r1', { clip: { mode: 'norm', max_norm: 1 } })
    await app.call('POST', '/runs/r1/points', saturated(200))
    expect((await app.call('GET', '/deliveries')).body.deliveries).toMatchObject([
      { muted: true, state: 'pending', next_try_at: until },
    ])
    expect(receiver.received).toEqual([])
    expect((await app.call('DELETE', `/mutes/${mute.id}`)).status).toBe(204)
    await expect.poll(() => receiver.received.length).toBe(1)
    expect((await app.call('DELETE', `/mutes/${mute.id}`)).body.error.code).toBe('mute_not_found')
  })
  it.each([
    [{ until: '2100-01-01T00:00:00Z' }],
    [{ run: 'r1', until: '2001-01-01T00:00:00Z' }],
    [{ run: 'r1', until: 'tomorrow' }],
    [{ run: 'r1' }],
    [{ kind: 'flood', until: '2100-01-01T00:00:00Z' }],
  ])('are refused: %j', async (fields) => {
    const app = await startApp()
    expect(await app.call('POST', '/mutes', fields)).toMatchObject({
      status: 400,
      body: { error: { code: 'mute_invalid' } },
    })
  })
})
