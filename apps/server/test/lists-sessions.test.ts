import { once } from 'node:events'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { bearer, makeToken } from './access-fixtures.ts'
import { startIdentityProvider } from './identity-provider.ts'
import { liveClient } from './live-client.ts'
import { SAME, signIn, startWith, whoIs } from './people.ts'
import { tempFolder, type TestApp } from './start-app.ts'

type Headers = Record<string, string>
const list = async (service: TestApp, headers: Headers) =>
  (await service.inject({ url: '/api/v1/sessions', headers })).body.sessions
const end = (service: TestApp, id: string, headers: Headers) =>
  service.inject({ method: 'DELETE', url: `/api/v1/sessions/${id}`, headers: { ...SAME, ...headers } })

async function threeBrowsers() {
  const provider = await startIdentityProvider()
  const service = await startWith(provider, 'admins=admin;ml=read:vision')
  const ada = await signIn(service, provider)
  const adaElsewhere = await signIn(service, provider)
  provider.person = { sub: 'root', name: 'Grace Hopper', email: 'grace@lab.example', groups: ['admins'] }
  const grace = await signIn(service, provider)
  return { service, ada: ada.headers, adaElsewhere: adaElsewhere.headers, grace: grace.headers }
}

it('lists the browsers that are signed in: an admin sees all, everybody else their own', async () => {
  const { service, ada, grace } = await threeBrowsers()
  const token = await makeToken(service, { scope: 'read', name: 'ci' })
  await service.inject({ method: 'POST', url: '/api/v1/session', payload: { token: token.secret } })
  const all = await list(service, grace)
  expect(all.map(({ name, kind, is_current }: Headers) => [name, kind, is_current])).toEqual([
    ['ci', 'token', false],
    ['Grace Hopper', 'person', true],
    ['Ada Lovelace', 'person', false],
    ['Ada Lovelace', 'person', false],
  ])
  expect(all[1]).toMatchObject({ email: 'grace@lab.example', opened_by: expect.stringMatching(/^person_/) })
  const own = await list(service, ada)
  expect(own.map(({ name, is_current }: Headers) => [name, is_current]).sort()).toEqual([
    ['Ada Lovelace', false],
    ['Ada Lovelace', true],
  ])
  expect(await list(service, bearer(token.secret))).toMatchObject([{ name: 'ci', opened_by: token.id }])
})

it('lets everybody end their own sessions, an admin all of them, and nobody else any', async () => {
  const { service, ada, adaElsewhere, grace } = await threeBrowsers()
  const own = await list(service, ada)
  const other = own.find(({ is_current }: { is_current: boolean }) => !is_current)
  const ofGrace = (await list(service, grace))[0]
  const unknown = { status: 404, body: { error: { code: 'session_not_found' } } }
  expect(await end(service, ofGrace.id, ada)).toMatchObject(unknown)
  expect(await end(service, 'ses_nothing', grace)).toMatchObject(unknown)
  expect((await end(service, other.id, ada)).status).toBe(204)
  expect(await whoIs(service, adaElsewhere)).toMatchObject({ caller: null })
  expect(await whoIs(service, ada)).toMatchObject({ caller: { name: 'Ada Lovelace' } })
  const left = own.find(({ is_current }: { is_current: boolean }) => is_current)
  expect((await end(service, left.id, grace)).status).toBe(204)
  expect(await whoIs(service, ada)).toMatchObject({ caller: null })
})

it('closes the sockets of a session that is ended, at once', async () => {
  const { service, ada, grace } = await threeBrowsers()
  const url = await service.listen()
  const { socket } = await liveClient(url, { ...ada, origin: url })
  const closed = once(socket, 'close')
  for (const { id, name } of await list(service, grace)) {
    if (name === 'Ada Lovelace') await end(service, id, grace)
  }
  const open = [...service.app.websocketServer.clients].filter(
    ({ readyState }) => readyState === WebSocket.OPEN,
  )
  expect(open).toEqual([])
  expect((await closed)[0]).toBe(4401)
})

it('keeps people signed in over a restart', async () => {
  const folder = await tempFolder()
  const provider = await startIdentityProvider()
  const first = await startWith(provider, undefined, { folder })
  const { headers } = await signIn(first, provider)
  await first.services.store.close()
  const second = await startWith(provider, undefined, { folder })
  expect(await whoIs(second, headers)).toMatchObject({ caller: { name: 'Ada Lovelace' } })
})
