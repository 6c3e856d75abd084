import { SMTPServer } from 'smtp-server'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AddressGuard, systemResolve, type Resolve } from '../src/alerts/address-guard.ts'
import { aChannel } from '../src/alerts/fixtures/event.ts'
import { testMessage } from '../src/alerts/messages/message.ts'
import type { SenderOptions } from '../src/alerts/kinds/kind.ts'
import { createSender } from '../src/alerts/kinds/kinds.ts'
import { newSecret } from '../src/alerts/signature.ts'
import type { StoredChannel } from '../src/storage/alert-store.ts'
import { startReceiver, startTalker } from './alerts-receiver.ts'
import { freePort } from './free-port.ts'

const here = '127.0.0.0/8'
const now = Date.now()
const message = testMessage('msg_1', 'http://127.0.0.1:4280', now)

function send(channel: Partial<StoredChannel>, options: Partial<SenderOptions> & { resolve?: Resolve } = {}) {
  const guard = options.guard ?? new AddressGuard(here, options.resolve ?? systemResolve)
  const sender = createSender({ smtp: null, timeoutMs: 15_000, ...options, guard })
  return sender(message, aChannel(channel), { now, signal: new AbortController().signal })
}

describe('a webhook', () => {
  it('is signed by both live secrets and verified by the reference library', async () => {
    const receiver = await startReceiver((response) => response.writeHead(200).end('thanks'))
    const secrets = { secret: newSecret(), old_secret: newSecret(), old_secret_until: now + 1_000 }
    const answer = await send({ url: receiver.url, ...secrets })
    expect(answer).toEqual({ status: 200, ok: true, error: null, body: 'thanks', retryAfter: null })
    const { body, headers } = receiver.received[0] ?? expect.fail()
    expect(headers).toMatchObject({
      'webhook-id': 'msg_1',
      'content-type': 'application/json; charset=utf-8',
    })
    for (const secret of [secrets.secret, secrets.old_secret]) {
      expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({
        type: 'channel.test',
      })
    }
  })
  it.each([200, 201, 202, 204, 299])('succeeds with %i', async (status) => {
    const receiver = await startReceiver((response) => response.writeHead(status).end())
    expect(await send({ url: receiver.url })).toMatchObject({ status, ok: true, error: null })
  })
  it.each([
    [500, {}],
    [429, { 'retry-after': '120' }],
    [410, {}],
    [404, {}],
  ])('fails with %i and says so', async (status, headers: Record<string, string>) => {
    const receiver = await startReceiver((response) => response.writeHead(status, headers).end('sorry'))
    expect(await send({ url: receiver.url })).toEqual({
      status,
      ok: false,
      error: `The receiver answered ${status}.`,
      body: 'sorry',
      retryAfter: headers['retry-after'] ?? null,
    })
  })
  it.each([301, 302, 303, 307, 308])('does not follow a %i', async (status) => {
    const elsewhere = await startReceiver()
    const receiver = await startReceiver((response) =>
      response.writeHead(status, { location: elsewhere.url }).end(),
    )
    const answer = await send({ url: receiver.url })
    expect(answer).toMatchObject({ status, ok: false, error: expect.stringContaining('not followed') })
    expect(elsewhere.received).toEqual([])
  })
})

describe('a bad receiver', () => {
  it('that is down fails with a sentence', async () => {
    const answer = await send({ url: `http://127.0.0.1:${await freePort()}/` })
    expect(answer).toMatchObject({ ok: false, status: null, error: 'The receiver refused the connection.' })
  })
  it('that never answers is left after the time-out', async () => {
    const receiver = await startReceiver(() => undefined)
    const answer = await send({ url: receiver.url }, { timeoutMs: 100 })
    expect(answer).toMatchObject({ ok: false, status: null, error: 'No answer within 0.1 seconds.' })
  })
  it('whose body never ends is cut after a kilobyte', async () => {
    let stopped = false
    const receiver = await startReceiver((response) => {
      response.writeHead(200)
      const more = () => {
        while (!stopped && response.write('x'.repeat(10_000)));
      }
      response.on('drain', more)
      response.on('close', () => (stopped = true))
      more()
    })
    const answer = await send({ url: receiver.url })
    expect(answer).toMatchObject({ ok: true, status: 200, body: 'x'.repeat(1_024) })
    await expect.poll(() => stopped).toBe(true)
  })
  it('whose body stalls keeps the status and what came', async () => {
    const receiver = await startReceiver((response) => response.writeHead(202).write('par'))
    expect(await send({ url: receiver.url }, { timeoutMs: 1_500 })).toMatchObject({
      ok: true,
      status: 202,
      body: 'par',
    })
  })
  it('that breaks off fails with a sentence', async () => {
    const receiver = await startReceiver((response) => response.destroy())
    expect(await send({ url: receiver.url })).toMatchObject({
      ok: false,
      status: null,
      error: /broke|closed|hang up/,
    })
  })
  it.each(['', '\r\nupgrade: x\r\nconnection: upgrade'])(
    'that switches protocols instead of answering fails with a sentence: 101%j',
    async (head) => {
      const port = await startTalker(`HTTP/1.1 101 Switching Protocols${head}\r\n\r\n`)
      const answer = await send({ url: `http://127.0.0.1:${port}/` }, { timeoutMs: 2_000 })
      expect(answer).toMatchObject({ ok: false, status: 101, error: 'The receiver answered 101.' })
    },
  )
  it('that talks no TLS fails with a sentence', async () => {
    const port = await startTalker('220 not TLS\r\n')
    const answer = await send({ url: `https://127.0.0.1:${port}/` })
    expect(answer).toMatchObject({
      ok: false,
      status: null,
      error: expect.stringMatching(/^The connection failed: /),
    })
  })
  it('with a certificate that nobody vouches for fails', async () => {
    const server = new SMTPServer({ secure: true })
    server.on('error', () => undefined)
    const port = await new Promise<number>((resolve) => {
      const { server: tls } = server
      server.listen(0, '127.0.0.1', () => resolve((tls.address() as { port: number }).port))
    })
    onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)))
    const answer = await send({ url: `https://127.0.0.1:${port}/` })
    expect(answer).toMatchObject({ ok: false, status: null, error: expect.stringMatching(/certificate/) })
  })
  it('that sends an endless header fails', async () => {
    const port = await startTalker(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`)
    expect(await send({ url: `http://127.0.0.1:${port}/` })).toMatchObject({ ok: false, status: null })
  })
})

describe('an address that is not public', () => {
  const strict = new AddressGuard('', systemResolve)

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', 'localhost'])(
    'is not connected to as %s',
    async (host) => {
      const receiver = await startReceiver()
      const answer = await send({ url: `http://${host}:${receiver.port}/` }, { guard: strict })
      expect(answer).toMatchObject({ ok: false, error: expect.stringContaining('NORMWATCH_WEBHOOK_ALLOW') })
      expect(receiver.received).toEqual([])
    },
  )
  it('is not reached by a name that changes its answer between two questions', async () => {
    const receiver = await startReceiver()
    const answers = ['127.0.0.2']
    let asked = 0
    const resolve: Resolve = async () => [{ address: answers[asked++] ?? '127.0.0.1', family: 4 }]
    const guard = new AddressGuard('127.0.0.2/32', resolve)
    const answer = await send({ url: `http://rebind.example:${receiver.port}/` }, { guard })
    expect(answer).toMatchObject({ ok: false, error: 'The receiver refused the connection.' })
    expect(asked).toBe(1)
    expect(receiver.received).toEqual([])
  })
  it('is reached by name when the operator allows it', async () => {
    const receiver = await startReceiver()
    const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]
    const answer = await send({ url: `http://inside.example:${receiver.port}/` }, { resolve })
    expect(answer.ok).toBe(true)
    expect(receiver.received[0]?.headers.host).toBe(`inside.example:${receiver.port}`)
  })
  it('cannot hold a sender by a resolver that never answers', async () => {
    const resolve: Resolve = () => new Promise(() => undefined)
    const answer = await send({ url: 'http://slow.example/' }, { resolve, timeoutMs: 50 })
    expect(answer.error).toBe('No answer within 0.05 seconds.')
  })
})

describe('chat', () => {
  it.each(['slack', 'discord'] as const)('%s gets its own form, unsigned', async (kind) => {
    const receiver = await startReceiver()
    expect(await send({ kind, url: receiver.url })).toMatchObject({ ok: true, status: 204 })
    const { headers, body } = receiver.received[0] ?? expect.fail()
    expect(headers['webhook-signature']).toBeUndefined()
    expect(JSON.parse(body)).toHaveProperty(kind === 'slack' ? 'blocks' : 'embeds')
  })
})
