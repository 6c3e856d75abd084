import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { CLOSE_UNAUTHORIZED } from '../src/access/identity/sockets.ts'
import { newTokenSecret } from '../src/access/identity/secret.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { isType, liveClient } from './live-client.ts'
import { startApp } from './start-app.ts'

/** Tries to open a socket; resolves with 101 or the status and code of the refusal. */
async function knock(url: string, headers: Record<string, string>): Promise<string> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
  onTestFinished(() => socket.terminate())
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve('101'))
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, reply) => {
      let text = ''
      reply.on('data', (chunk) => (text += String(chunk)))
      reply.on('end', () => resolve(`${reply.statusCode} ${JSON.parse(text).error.code}`))
    })
  })
}

it('asks at the door of the socket', async () => {
  const service = await startApp()
  const url = await service.listen()
  const secret = async (...args: [Parameters<typeof makeToken>[1], Parameters<typeof makeToken>[2]?]) =>
    bearer((await makeToken(service, ...args)).secret)
  const cases: [string, Record<string, string>, string][] = [
    ['read', await secret({ scope: 'read' }), '101'],
    ['admin', await secret({ scope: 'admin' }), '101'],
    ['read of a project', await secret({ scope: 'read', project: 'p' }), '101'],
    ['write', await secret({ scope: 'write' }), '403 scope_forbidden'],
    ['nobody', {}, '401 token_missing'],
    ['wrong', bearer(newTokenSecret()), '401 token_invalid'],
    ['expired', await secret({ scope: 'read' }, { expires_at: 1 }), '401 token_expired'],
    ['revoked', await secret({ scope: 'read' }, { revoked_at: 1 }), '401 token_revoked'],
    ['a forged cookie', { cookie: 'normwatch_session=x', origin: url }, '401 session_invalid'],
    ['a cookie from elsewhere', { cookie: 'normwatch_session=x' }, '403 origin_not_allowed'],
  ]
  for (const [who, headers, expected] of cases) {
    expect(`${who}: ${await knock(url, headers)}`).toBe(`${who}: ${expected}`)
  }
})

it('tells a token of one project about its own runs only', async () => {
  const service = await startApp()
  const url = await service.listen()
  const { secret } = await makeToken(service, { scope: 'read', project: 'mine' })
  await service.services.ingest.put('a', { project: 'mine' })
  await service.services.ingest.put('b', { project: 'other' })
  const live = await liveClient(url, bearer(secret))
  const refused = { type: 'error', code: 'project_forbidden' }
  for (const watch of [{ run: 'b' }, { runs: { project: 'other' } }]) {
    const seen = live.frames.length
    live.send({ type: 'watch', ...watch })
    expect(await live.until((frame) => live.frames.indexOf(frame) >= seen)).toMatchObject(refused)
  }
  live.send({ type: 'watch', runs: {} })
  live.send({ type: 'watch', run: 'a' })
  await live.until(isType('run'))
  await service.services.ingest.patch('b', { name: 'told to nobody' })
  await service.services.ingest.patch('a', { name: 'told' })
  await live.until((frame) => frame.type === 'run' && frame.run.name === 'told')
  const told = live.frames.flatMap((frame) => (frame.type === 'run' ? [frame.run.id] : []))
  expect(new Set(told)).toEqual(new Set(['a']))
})

it.each(['revoked over HTTP', 'revoked by another process', 'expired', 'signed out'])(
  'closes a socket whose token is %s',
  async (how) => {
    let time = Date.now()
    const service = await startApp({ now: () => time })
    const url = await service.listen()
    const { id, secret } = await makeToken(service, { scope: 'admin' }, { expires_at: time + 60_000 })
    const stays = await makeToken(service, { scope: 'read' })
    const signIn = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: secret }),
    })
    const session = {
      cookie: String(signIn.headers.get('set-cookie')).split(';')[0] as string,
      origin: url,
    }
    const { socket } = await liveClient(url, how === 'signed out' ? session : bearer(secret))
    const other = await liveClient(url, bearer(stays.secret))
    const closed = once(socket, 'close')
    if (how === 'revoked over HTTP') {
      await fetch(`${url}/api/v1/tokens/${id}`, { method: 'DELETE', headers: bearer(secret) })
    } else if (how === 'revoked by another process') await service.services.store.tokens.revoke(id, time)
    else if (how === 'expired') time += 60_000
    else await fetch(`${url}/api/v1/session`, { method: 'DELETE', headers: session })
    const [code] = (await closed) as [number]
    expect(code).toBe(CLOSE_UNAUTHORIZED)
    expect(other.socket.readyState).toBe(WebSocket.OPEN)
  },
)

it('closes the sockets of an open server when the first token is made', async () => {
  const service = await startApp()
  const { socket } = await liveClient(await service.listen())
  const closed = once(socket, 'close')
  const made = await service.call('POST', '/tokens', { name: 'first', scope: 'admin' })
  expect(made).toMatchObject({ status: 201, body: { scope: 'admin', token: expect.stringMatching(/^nw_/) } })
  expect(((await closed) as [number])[0]).toBe(CLOSE_UNAUTHORIZED)
})
