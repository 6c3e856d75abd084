import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { AuditEntry } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { auditedRoutes, unaudited } from '../src/audit/audited-routes.ts'
import { removeOldEntries } from '../src/audit/keep-audit.ts'
import { routeRules } from '../src/access/route-rules.ts'
import { openDatabase } from '../src/storage/sqlite/engine/database.ts'
import { openSqliteStore } from '../src/storage/sqlite/open.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startReceiver } from './alerts-receiver.ts'
import { normwatch } from './command-line.ts'
import { startApp, tempFolder, type Answer, type TestApp } from './start-app.ts'

const origin = 'http://localhost'

/** The log as an admin reads it, the oldest first, without the entries of the test's own tokens. */
async function entriesOf(app: TestApp, secret: string, query = ''): Promise<AuditEntry[]> {
  const { body } = await app.inject({ url: `/api/v1/audit?limit=200${query}`, headers: bearer(secret) })
  return (body.entries as AuditEntry[]).reverse()
}
const brief = ({ action, actor, target_kind, project, detail }: AuditEntry) => [
  action,
  actor,
  target_kind,
  project,
  detail,
]

/** A server with an admin's token, and requests with it. */
async function withAdmin(options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp(options)
  const { secret, id } = await makeToken(app, { scope: 'admin' })
  const ask = (method: string, path: string, payload?: object, headers: object = {}): Promise<Answer> =>
    app.inject({
      method: method as 'GET',
      url: `/api/v1${path}`,
      headers: { ...bearer(secret), ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
  return { app, secret, id, ask }
}

it('says of every route that changes something whether it is recorded, and if not, why', () => {
  const changing = Object.keys(routeRules).filter((route) => !route.startsWith('GET '))
  const known = [...Object.keys(auditedRoutes), ...Object.keys(unaudited)]
  expect(changing.filter((route) => !known.includes(route))).toEqual([])
  expect(known.filter((route) => !Object.hasOwn(routeRules, route))).toEqual([])
  expect(Object.keys(auditedRoutes).filter((route) => Object.hasOwn(unaudited, route))).toEqual([])
})

it('records what admins change: who, what, in which project and from where', async () => {
  const { app, secret, id, ask } = await withAdmin()
  const { url } = await startReceiver()
  const made = await ask('POST', '/tokens', { name: 'ci', scope: 'write', project: 'p' })
  await ask('DELETE', `/tokens/${made.body.id}`)
  const channel = (await ask('POST', '/channels', { kind: 'webhook', url, name: 'pager' })).body
  await ask('PATCH', `/channels/${channel.id}`, { min_severity: 'critical', name: 'night' })
  await ask('POST', `/channels/${channel.id}/rotate-secret`)
  await ask('POST', `/channels/${channel.id}/test`)
  await ask('DELETE', `/channels/${channel.id}`)
  const until = '2100-01-01T00:00:00.000Z'
  const mute = (await ask('POST', '/mutes', { project: 'p', until })).body
  await ask('DELETE', `/mutes/${mute.id}`)
  await ask('PUT', '/projects/p/settings', { spike: { enabled: false } })
  await ask('PUT', '/runs/r', { project: 'p' })
  await ask('PUT', '/runs/r/settings', { window: { min: 30 } })
  await ask('POST', '/runs/r/points', {
    points: [
      { step: 0, loss: 1 },
      { step: 1, loss: 2 },
    ],
  })
  await ask('PATCH', '/runs/r', { notes: 'a secret of mine' })
  await ask('PATCH', '/runs/r', { truncate_after: 0 })
  await ask('GET', '/runs/r/points')
  await ask('GET', '/runs/r/points?from=0&to=10')
  await ask('GET', '/runs/r/snapshot')
  await ask('DELETE', '/runs/r')
  await ask('DELETE', '/runs/r')
  const entries = await entriesOf(app, secret)
  expect(entries.map(brief)).toEqual([
    ['token.create', 'admin', 'token', 'p', 'ci, write'],
    ['token.revoke', 'admin', 'token', 'p', 'ci'],
    ['channel.create', 'admin', 'channel', null, 'pager, webhook'],
    ['channel.change', 'admin', 'channel', null, 'min_severity, name'],
    ['channel.rotate_secret', 'admin', 'channel', null, null],
    ['channel.test', 'admin', 'channel', null, null],
    ['channel.delete', 'admin', 'channel', null, null],
    ['mute.create', 'admin', 'mute', 'p', `until ${until}`],
    ['mute.end', 'admin', 'mute', null, null],
    ['settings.change', 'admin', 'project', 'p', 'spike.enabled'],
    ['settings.change', 'admin', 'run', 'p', 'window.min'],
    ['run.change', 'admin', 'run', 'p', 'notes'],
    ['run.truncate', 'admin', 'run', 'p', 'truncate_after'],
    ['points.export', 'admin', 'run', 'p', null],
    ['snapshot.export', 'admin', 'run', 'p', null],
    ['run.delete', 'admin', 'run', 'p', null],
  ])
  expect(new Set(entries.map(({ actor_id, address }) => `${actor_id} ${address}`))).toEqual(
    new Set([`${id} 127.0.0.1`]),
  )
  expect(entries.find(({ action }) => action === 'token.create')?.target).toBe(made.body.id)
  expect(entries.at(-1)?.target).toBe('r')
})

it('records who signs in and out, and who is refused, without letting a guesser fill the disk', async () => {
  let now = Date.UTC(2026, 0, 1)
  const app = await startApp({ now: () => now })
  const { secret, id } = await makeToken(app, { scope: 'admin' })
  const signIn = (token: string) =>
    app.inject({ method: 'POST', url: '/api/v1/session', payload: { token }, headers: { origin } })
  const { headers } = await signIn(secret)
  const cookie = String(headers['set-cookie']).split(';')[0] as string
  await app.inject({ method: 'DELETE', url: '/api/v1/session', headers: { cookie, origin } })
  for (let tries = 0; tries < 50; tries++) expect((await signIn('nw_wrong')).status).toBe(401)
  now += 61_000
  await signIn('nw_wrong')
  const entries = await entriesOf(app, secret)
  expect(entries.map(({ action, actor_id, detail }) => [action, actor_id, detail])).toEqual([
    ['session.open', id, 'with a token'],
    ['session.close', id, null],
    ['session.refuse', null, 'token_invalid'],
    ['session.refuse', null, 'token_invalid; 49 more before it'],
  ])
})

it('records no run that is made, and no change of a recorder', async () => {
  const { app, secret, ask } = await withAdmin()
  const { secret: writer } = await makeToken(app, { scope: 'write' })
  const asWriter = bearer(writer)
  await ask('PUT', '/runs/r', { project: 'p' }, asWriter)
  await ask('PUT', '/runs/r', { tags: ['again'] }, asWriter)
  await ask('POST', '/runs/r/points', { points: [{ step: 0, loss: 1 }] }, asWriter)
  await ask('PATCH', '/runs/r', { status: 'finished' }, asWriter)
  await ask('POST', '/runs', { id: 's' })
  await ask('GET', '/runs')
  await ask('POST', '/tokens', { name: 'not a token' })
  expect(await entriesOf(app, secret)).toEqual([])
})

it('on an open server records what a page changes, not what a recorder does', async () => {
  const { call, inject, services } = await startApp()
  await call('PUT', '/runs/r', {})
  await call('PATCH', '/runs/r', { status: 'finished' })
  await call('PUT', '/runs/r/settings', {})
  await inject({ method: 'PATCH', url: '/api/v1/runs/r', payload: { notes: 'x' }, headers: { origin } })
  const entries = await services.store.audit.read(0, 9)
  expect(entries.map(({ action, actor, detail }) => [action, actor, detail])).toEqual([
    ['settings.change', 'owner', null],
    ['run.change', 'owner', 'notes'],
  ])
})

it('records the same export of one caller once a minute', async () => {
  let now = Date.UTC(2026, 0, 1)
  const { app, secret, ask } = await withAdmin({ now: () => now })
  await ask('PUT', '/runs/r', {})
  for (let times = 0; times < 5; times++) await ask('GET', '/runs/r/points?format=csv')
  await ask('GET', '/runs/r/snapshot')
  now += 61_000
  await ask('GET', '/runs/r/points?format=csv')
  expect((await entriesOf(app, secret)).map(({ action }) => action)).toEqual([
    'points.export',
    'snapshot.export',
    'points.export',
  ])
})

it('keeps no secret: not that of a token, a session, a channel or its address', async () => {
  const { app, ask, secret } = await withAdmin()
  const { url } = await startReceiver()
  const secrets = [secret]
  const address = `${url}/services/T000/B000/very-secret-path`
  secrets.push('very-secret-path')
  const token = (await ask('POST', '/tokens', { name: 'ci', scope: 'admin' })).body
  secrets.push(token.token)
  const { headers } = await app.inject({
    method: 'POST',
    url: '/api/v1/session',
    payload: { token: token.token },
    headers: { origin },
  })
  const cookie = String(headers['set-cookie']).split(';')[0] as string
  secrets.push(cookie.split('=')[1] as string)
  await app.inject({ method: 'DELETE', url: '/api/v1/session', headers: { cookie, origin } })
  const channel = (await ask('POST', '/channels', { kind: 'webhook', url: address })).body
  secrets.push(channel.secret)
  await ask('PATCH', `/channels/${channel.id}`, { url: `${address}?token=hush-hush` })
  secrets.push('hush-hush')
  secrets.push((await ask('POST', `/channels/${channel.id}/rotate-secret`)).body.secret)
  await ask('PUT', '/runs/r', {})
  await ask('PATCH', '/runs/r', { notes: 'my-own-password', config: { key: 'config-password' } })
  secrets.push('my-own-password', 'config-password')
  const rows = JSON.stringify(await app.services.store.audit.read(0, 1_000))
  expect(JSON.parse(rows).length).toBeGreaterThan(6)
  expect(secrets.every((text) => typeof text === 'string' && text.length > 8)).toBe(true)
  const hashes = secrets.map((text) => createHash('sha256').update(text).digest('hex'))
  expect([...secrets, ...hashes].filter((text) => rows.includes(text))).toEqual([])
})

it('is read, filtered, exported and verified by admins alone', async () => {
  const { app, ask } = await withAdmin()
  for (const name of ['a', 'b', 'c']) await ask('POST', '/tokens', { name, scope: 'read', project: 'p' })
  await ask('POST', '/tokens', { name: 'd', scope: 'read' })
  const { body } = await ask('GET', '/audit?limit=3')
  const rest = await ask('GET', `/audit?limit=3&cursor=${body.next_cursor}`)
  expect([...body.entries, ...rest.body.entries].map(({ number }) => number)).toEqual([4, 3, 2, 1])
  expect((await ask('GET', '/audit?project=p&action=token.create&who=admin')).body.entries).toHaveLength(3)
  expect((await ask('GET', '/audit?to=2020-01-01T00:00:00Z')).body.entries).toEqual([])
  expect((await ask('GET', '/audit?from=2020-02-31T00:00:00Z')).status).toBe(400)
  expect((await ask('GET', '/audit?action=token.steal')).body.error).toMatchObject({ code: 'query_invalid' })
  expect((await ask('GET', '/audit?cursor=x')).body.error).toMatchObject({ code: 'cursor_invalid' })

  const { text, headers } = await ask('GET', '/audit/export?project=p')
  expect(headers['content-disposition']).toBe('attachment; filename="audit.jsonl"')
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEntry)
  expect(lines.map(({ detail }) => detail)).toEqual(['a, read', 'b, read', 'c, read'])
  expect((await ask('GET', '/audit?action=audit.export')).body.entries).toMatchObject([
    { number: 5, project: null, detail: 'project' },
  ])
  expect((await ask('GET', '/audit/verify')).body).toMatchObject({
    ok: true,
    entries: 5,
    last: 5,
    fault: null,
  })

  const reader = bearer((await makeToken(app, { scope: 'read' })).secret)
  for (const path of ['/audit', '/audit/export', '/audit/verify']) {
    expect((await ask('GET', path, undefined, reader)).body.error.code).toBe('scope_forbidden')
  }
})

it('can be verified from its export alone, by the form that the documentation gives', async () => {
  const { ask } = await withAdmin()
  for (const name of ['a', 'ü', '🙂']) await ask('POST', '/tokens', { name, scope: 'read' })
  const { text } = await ask('GET', '/audit/export')
  let previous = '0'.repeat(64)
  for (const line of text.trimEnd().split('\n')) {
    const { number, at, hash, ...e } = JSON.parse(line) as AuditEntry
    const form = [
      Date.parse(at),
      e.actor_id,
      e.actor,
      e.action,
      e.target_kind,
      e.target,
      e.project,
      e.address,
      e.detail,
    ]
    const hashed = `${previous}\n${number}\n${JSON.stringify(form)}`
    expect(createHash('sha256').update(hashed).digest('hex')).toBe(hash)
    previous = hash
  }
})

it('removes entries that are too old, says so, and stays whole', async () => {
  let now = Date.UTC(2026, 0, 1)
  const { app, secret, ask } = await withAdmin({ now: () => now })
  await ask('POST', '/tokens', { name: 'old', scope: 'read' })
  now += 10 * 86_400_000
  await ask('POST', '/tokens', { name: 'new', scope: 'read' })
  const { store, audit } = app.services
  await removeOldEntries(store.audit, audit, 5, now)
  await removeOldEntries(store.audit, audit, 5, now)
  expect((await entriesOf(app, secret)).map(({ number, actor, detail }) => [number, actor, detail])).toEqual([
    [2, 'admin', 'new, read'],
    [3, 'service', '1 entries older than 5 days'],
  ])
  expect((await ask('GET', '/audit/verify')).body).toMatchObject({ ok: true, expired_through: 1, entries: 2 })
})

it('gives no secret away when the entry of it cannot be stored', async () => {
  const { app, ask } = await withAdmin()
  const { StoreUnavailable } = await import('../src/storage/store.ts')
  const { audit } = app.services.store
  const record = audit.record
  Object.assign(audit, { record: () => Promise.reject(new StoreUnavailable('The disk is full.')) })
  const refused = await ask('POST', '/tokens', { name: 'ci', scope: 'admin' })
  expect(refused.status).toBe(503)
  expect(refused.text).not.toContain('nw_')
  expect(refused.body.error).toMatchObject({ code: 'store_unavailable' })
  Object.assign(audit, { record })
  expect((await ask('POST', '/tokens', { name: 'ci', scope: 'admin' })).status).toBe(201)
})

it('gives an export out no sooner than its entry is durable, also one that shares the entry', async () => {
  const { app, ask } = await withAdmin()
  await ask('PUT', '/runs/r', {})
  const { audit } = app.services.store
  const record = audit.record.bind(audit)
  const release = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let isDurable = false
  Object.assign(audit, {
    record: async (entry: Parameters<typeof record>[0]) => {
      begun.resolve()
      await release.promise
      const stored = await record(entry)
      isDurable = true
      return stored
    },
  })
  const orders = [0, 1].map(() => ask('GET', '/runs/r/points').then(() => isDurable))
  await begun.promise
  // both requests pass through the store before this one is answered
  await ask('GET', '/runs/r')
  release.resolve()
  expect(await Promise.all(orders)).toEqual([true, true])
})

it('gives data out when the entry of the export cannot be stored, and has the next one', async () => {
  const { app, ask, secret } = await withAdmin()
  await ask('PUT', '/runs/r', {})
  await ask('POST', '/runs/r/points', { points: [{ step: 0, loss: 1 }] })
  const { StoreUnavailable } = await import('../src/storage/store.ts')
  const { audit } = app.services.store
  const record = audit.record
  Object.assign(audit, { record: () => Promise.reject(new StoreUnavailable('The disk is full.')) })
  expect((await ask('GET', '/runs/r/points')).status).toBe(200)
  Object.assign(audit, { record })
  expect((await ask('GET', '/runs/r/points')).status).toBe(200)
  const exported = (await entriesOf(app, secret)).filter(({ action }) => action === 'points.export')
  expect(exported).toMatchObject([{ target: 'r' }])
})

it('has what the command line does, and says in the shell whether it is whole', async () => {
  const data = await tempFolder()
  const environment = { NORMWATCH_DATA: data }
  expect(await normwatch(['audit', 'verify'], environment)).toMatchObject({
    code: 1,
    stderr: `There is no audit log in ${data}.\n`,
  })
  const made = await normwatch(['token', 'create', '--name', 'ci', '--scope', 'admin'], environment)
  const [id] = /tok_[\w-]+/.exec(made.stderr) ?? []
  await normwatch(['backup', join(data, 'copy.db')], environment)
  const store = await openSqliteStore({ folder: data })
  const entries = await store.audit.read(0, 9)
  await store.close()
  expect(entries).toMatchObject([
    { action: 'token.create', actor: 'command line', target: id, detail: 'ci, admin', address: null },
    { action: 'backup.make', actor: 'command line', target: 'copy.db' },
  ])
  expect(await normwatch(['audit', 'verify'], environment)).toMatchObject({
    code: 0,
    stdout: `The log is whole: 2 entries. Hash of entry 2:\n${entries[1]?.hash}\n`,
  })
  const db = openDatabase(join(data, 'normwatch.db'))
  db.exec("update audit set actor = 'eve' where number = 1")
  db.close()
  expect(await normwatch(['audit', 'verify'], environment)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('Entry 1 was changed'),
  })
})
