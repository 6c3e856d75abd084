import { spawnSync } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../src/storage/sqlite/engine/database.ts'
import { startReceiver } from './alerts-receiver.ts'
import { bearer } from './access-fixtures.ts'
import { isType, liveClient } from './live-client.ts'
import { runServer, startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const CLI = join(import.meta.dirname, '../src/cli/normwatch.ts')
const SECRET = /nw_[A-Za-z0-9_-]{43,}/

/** Runs the command line as an operator does. */
function normwatch(folder: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args, '--data', folder], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  })
  return { status, stdout, stderr }
}

const status = async (url: string, headers: Record<string, string> = {}) =>
  (await fetch(`${url}/api/v1/runs`, { headers })).status

describe('a server that other machines can reach', () => {
  it('does not start without a token', async () => {
    const { code, output } = await runServer([
      '--host',
      '0.0.0.0',
      '--port',
      '0',
      '--data',
      await tempFolder(),
    ])
    expect(code).toBe(1)
    expect(output).toMatch(/^Other machines can reach this address, and there is no token yet[^\n]*\n$/)
  })

  it('prints a first token once, and never again', async () => {
    const folder = await tempFolder()
    const first = await startServer(folder, ['--host', '0.0.0.0', '--first-token', 'print'])
    const secret = SECRET.exec(first.output())?.[0] as string
    const url = first.url.replace('0.0.0.0', '127.0.0.1')
    expect([await status(url), await status(url, bearer(secret))]).toEqual([401, 200])
    await first.end('SIGTERM')
    const second = await startServer(folder, ['--host', '0.0.0.0', '--first-token', 'print'])
    expect(second.output()).not.toMatch(SECRET)
    expect(await status(second.url.replace('0.0.0.0', '127.0.0.1'), bearer(secret))).toBe(200)
  })

  it('asks for the token of server.json on a machine with other users, where it is told to', async () => {
    const folder = await tempFolder()
    const { url, output, end } = await startServer(folder, ['--first-token', 'file'])
    const path = join(folder, 'server.json')
    const { token } = JSON.parse(await readFile(path, 'utf8')) as { token: string }
    expect([await status(url), await status(url, bearer(token))]).toEqual([401, 200])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(output()).not.toContain(token)
    expect(output()).toContain('authorization: Bearer $NORMWATCH_TOKEN')
    await end('SIGTERM')
    const again = await startServer(folder, ['--first-token', 'file'])
    expect(await status(again.url, bearer(token))).toBe(200)
  })

  it('takes the token of its environment, under any name of the host', async () => {
    const token = `nw_${'x'.repeat(43)}`
    const server = await startServer(await tempFolder(), ['--host', '0.0.0.0'], { NORMWATCH_TOKEN: token })
    const url = server.url.replace('0.0.0.0', '127.0.0.1')
    expect([await status(url), await status(url, bearer(token))]).toEqual([401, 200])
    expect(server.output()).not.toContain(token)
  })
})

describe('the command line beside a running server', () => {
  it('closes an open server with its first token, lists it and revokes it', async () => {
    const folder = await tempFolder()
    const { url } = await startServer(folder)
    expect(await status(url)).toBe(200)
    const made = normwatch(folder, 'token', 'create', '--name', 'ci', '--scope', 'read', '--expires', '90d')
    const secret = made.stdout.trim()
    expect(secret).toMatch(new RegExp(`^${SECRET.source}$`))
    expect([await status(url), await status(url, bearer(secret))]).toEqual([401, 200])

    const { stdout: list } = normwatch(folder, 'token', 'list')
    expect(list).toMatch(/^tok_\S+ {2}ci {2}read {2}\(all\) {2}\(everywhere\) {2}until \S+ {2}used \S+\n$/)
    expect(list).not.toMatch(SECRET)
    const [id] = list.split(' ') as [string]
    expect(normwatch(folder, 'token', 'revoke', id).status).toBe(0)
    expect(await status(url, bearer(secret))).toBe(401)
    const several = ['--scope', 'read', '--project', 'vision', '--project', 'speech-*']
    expect(normwatch(folder, 'token', 'create', '--name', 'team', ...several).status).toBe(0)
    const { stdout: both } = normwatch(folder, 'token', 'list')
    expect(both).toContain('revoked')
    expect(both).toMatch(/ team +read +vision speech-\* +\(everywhere\) /)
  })

  it.each([
    { args: ['create', '--name', 'x', '--scope', 'boss'], says: '--scope write|read|admin' },
    { args: ['create', '--scope', 'read'], says: '--name NAME' },
    { args: ['create', '--name', 'x', '--scope', 'read', '--expires', 'soon'], says: '--expires is "soon"' },
    { args: ['create', '--name', 'x', '--scope', 'read', '--project', 'a/b'], says: 'no slash' },
    { args: ['create', '--nam', 'x'], says: "Unknown option '--nam'" },
    { args: ['revoke', 'tok_none'], says: 'There is no token "tok_none"', code: 1 },
    { args: ['revoke'], says: 'Name the token' },
    { args: ['melt'], says: "Unknown command 'melt'" },
  ])('refuses token $args with a sentence', async ({ args, says, code = 2 }) => {
    const { status, stderr } = normwatch(await tempFolder(), 'token', ...args)
    expect({ status, stderr }).toEqual({ status: code, stderr: expect.stringContaining(says) })
  })
})

it('writes no secret to its log in a whole session', { timeout: 60_000 }, async () => {
  const operator = `nw_${'o'.repeat(43)}`
  const folder = await tempFolder()
  const hook = await startReceiver()
  const server = await startServer(
    folder,
    ['--log-level', 'debug', '--webhook-allow', '127.0.0.0/8', '--group-seconds', '0'],
    { NORMWATCH_TOKEN: operator },
  )
  const { url } = server
  const ask = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
    const init = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = { 'content-type': 'application/json' }
    return fetch(`${url}/api/v1${path}`, { method, headers: { ...type, ...headers }, ...init })
  }
  const made = (await (
    await ask('POST', '/tokens', bearer(operator), { name: 'n', scope: 'admin' })
  ).json()) as {
    token: string
  }
  const signIn = await ask('POST', '/session', {}, { token: made.token })
  const cookie = String(signIn.headers.get('set-cookie')).split(';')[0] as string
  const page = { cookie, origin: url }
  const secretUrl = `${hook.url}/services/T000/secret-path`
  const channel = (await (
    await ask('POST', '/channels', page, { kind: 'webhook', url: secretUrl })
  ).json()) as {
    id: string
    secret: string
  }
  await ask('POST', `/channels/${channel.id}/test`, page, {})
  await ask('GET', `/runs?q=${made.token}`, page)
  await ask('GET', '/runs', bearer('nw_wrong-but-close'))
  await ask('GET', '/runs', { authorization: `Basic ${made.token}` })
  await ask('GET', '/runs', { cookie: `normwatch_session=${made.token}` })
  await ask('GET', `/runs?token=${made.token}`, page)
  await ask('DELETE', `/tokens/${made.token}`, page)
  await ask('PUT', `/runs/${made.token}%ff`, page, { token: made.token })
  await fetch(`${url}/${made.token}`)
  await ask('PUT', '/runs/r', page, {})
  await ask('POST', '/runs/r/points', page, { points: [{ step: 0, grad_norm: 'NaN' }] })
  await ask('POST', '/session', {}, { token: 'nw_mistyped' })
  const live = await liveClient(url, page)
  live.send({ type: 'watch', run: 'r' })
  await live.until(isType('run'))
  await server.end('SIGTERM')

  const log = server.output()
  expect(log).toContain(`"path":"/api/v1/channels/${channel.id}/test","status":200`)
  expect(log).toContain('"path":"/api/v1/runs/r/points","status":200')
  expect(log).toMatch(/"reqId":"[0-9a-f-]{36}"/)
  const secrets = [
    operator,
    made.token,
    cookie.split('=')[1],
    channel.secret,
    'secret-path',
    'wrong-but-close',
    'mistyped',
  ]
  for (const secret of secrets) expect(log).not.toContain(secret)
})

it('lets a request under way end when it is stopped, within ten seconds', { timeout: 30_000 }, async () => {
  const server = await startServer(await tempFolder())
  await fetch(`${server.url}/api/v1/runs/r`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  const began = performance.now()
  let stopped: Promise<unknown> = Promise.resolve()
  const answer = await fetch(`${server.url}/api/v1/runs/r/points`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    duplex: 'half',
    body: new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('{"points": [{"step": 0,'))
        await sleep(200)
        stopped = server.end('SIGTERM')
        await sleep(500)
        controller.enqueue(new TextEncoder().encode('"loss": 1}]}'))
        controller.close()
      },
    }),
  } as RequestInit)
  expect(await answer.json()).toEqual({ accepted: 1, last_step: 0 })
  expect(await stopped).toEqual({ code: 0, signal: null })
  expect(performance.now() - began).toBeLessThan(10_000)
})

describe('the doctor', () => {
  it('finds nothing wrong with a healthy folder, also while the server runs', async () => {
    const folder = await tempFolder()
    const { url } = await startServer(folder)
    await fetch(`${url}/api/v1/runs/r`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    const { status, stdout } = normwatch(folder, 'doctor')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^ok +database +whole, 1 runs$/m)
    expect(stdout).toMatch(/^ok +server +runs on this folder$/m)
    expect(stdout).toMatch(/^ok +audit log +whole, 0 entries$/m)
    expect(stdout).not.toMatch(/^bad/m)
  })

  it('names the entry of the audit log that was changed', async () => {
    const folder = await tempFolder()
    for (const name of ['one', 'two']) normwatch(folder, 'token', 'create', '--name', name, '--scope', 'read')
    const db = openDatabase(join(folder, 'normwatch.db'))
    db.exec("update audit set actor = 'eve' where number = 1")
    db.close()
    const { status, stdout } = normwatch(folder, 'doctor')
    expect(status).toBe(1)
    expect(stdout).toMatch(/^bad +audit log +Entry 1 was changed/m)
  })
})
