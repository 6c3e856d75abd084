import { request } from 'node:http'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newTokenSecret } from '../src/access/identity/secret.ts'
import { runServer, startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

/** A request over a Unix socket, as a browser or an SDK at the other end of `ssh -L` sends it. */
function ask(socketPath: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const sent = request({ socketPath, path, headers: { host: 'localhost:4280', ...headers } }, (reply) => {
      let text = ''
      reply.on('data', (part) => (text += String(part)))
      reply.once('end', () => resolve({ status: reply.statusCode, text }))
    })
    sent.once('error', reject).end()
  })
}

const serverFile = (data: string) => JSON.parse(readFileSync(join(data, 'server.json'), 'utf8')) as object
const modeOf = (path: string) => statSync(path).mode & 0o777

describe('a server on a Unix socket', () => {
  it('is open to its user alone, and serves all of the product', async () => {
    const folder = await tempFolder()
    const socket = join(folder, 'nw.sock')
    const server = await startServer(join(folder, 'data'), ['--socket', socket])
    expect(server.url).toBe(`unix:${socket}`)
    expect(modeOf(socket)).toBe(0o600)
    expect(await ask(socket, '/api/v1/runs')).toMatchObject({ status: 200 })
    expect(await ask(socket, '/sdk/python', { accept: 'text/html' })).toMatchObject({ status: 200 })
    expect(await ask(socket, '/api/v1/runs', { host: 'evil.example' })).toMatchObject({ status: 403 })
    expect(server.output()).toContain(`ssh -L 4280:${socket} ${hostname()}`)
    await server.end('SIGTERM')
    expect(() => statSync(socket)).toThrow('ENOENT')
  })

  it('asks for a token there too once one is set, also behind a proxy', async () => {
    const folder = await tempFolder()
    const socket = join(folder, 'nw.sock')
    const token = newTokenSecret()
    const flags = ['--socket', socket, '--trust-proxy', 'loopback']
    await startServer(join(folder, 'data'), flags, { NORMWATCH_TOKEN: token })
    expect(await ask(socket, '/api/v1/runs')).toMatchObject({ status: 401 })
    const proxied = { authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.9' }
    expect(await ask(socket, '/api/v1/runs', proxied)).toMatchObject({ status: 200 })
  })

  it('takes the place of a socket that a killed server left, and of nothing else', async () => {
    const folder = await tempFolder()
    const socket = join(folder, 'nw.sock')
    const killed = await startServer(join(folder, 'data'), ['--socket', socket])
    const busy = await runServer(['--socket', socket, '--data', join(folder, 'other')])
    expect(busy).toEqual({ code: 1, output: `A server listens on ${socket} already.\n` })
    await killed.end('SIGKILL')
    expect(statSync(socket).isSocket()).toBe(true)
    await startServer(join(folder, 'data'), ['--socket', socket])
    expect(await ask(socket, '/readyz')).toMatchObject({ status: 200 })

    const text = join(folder, 'notes.txt')
    writeFileSync(text, 'mine')
    const refused = await runServer(['--socket', text, '--data', join(folder, 'other')])
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('is no socket') })
    expect(readFileSync(text, 'utf8')).toBe('mine')
    const long = await runServer(['--socket', join(folder, 'x'.repeat(120))])
    expect(long).toMatchObject({ code: 1, output: expect.stringContaining('at most 103 bytes') })
    const nowhere = await runServer(['--socket', join(folder, 'gone/nw.sock'), '--data', join(folder, 'o')])
    expect(nowhere.code).toBe(1)
    expect(nowhere.output).toMatch(/gone\/nw\.sock cannot be listened on \(\w+\)\.\n$/)
  })
})

describe('server.json in the data folder', () => {
  it('says, to its user alone, where the server is and what lets in; after the stop only the latter', async () => {
    const data = join(await tempFolder(), 'data')
    const server = await startServer(data, [], { NORMWATCH_TOKEN: newTokenSecret() })
    expect(modeOf(join(data, 'server.json'))).toBe(0o600)
    const { token } = serverFile(data) as { token: string }
    const { pid } = server.process
    expect(serverFile(data)).toEqual({ version: 1, token, url: server.url, host: hostname(), pid })
    const get = (headers: Record<string, string>) => fetch(`${server.url}/api/v1/tokens`, { headers })
    expect((await get({})).status).toBe(401)
    expect((await get({ authorization: `Bearer ${token}` })).status).toBe(200)
    await server.end('SIGTERM')
    expect(serverFile(data)).toEqual({ version: 1, token })
  })

  it('keeps its token over restarts, so that a training that runs is let in again', async () => {
    const data = join(await tempFolder(), 'data')
    const first = await startServer(data)
    const { token } = serverFile(data) as { token: string }
    await first.end('SIGKILL')
    const second = await startServer(data)
    expect(serverFile(data)).toMatchObject({ token, url: second.url, pid: second.process.pid })
    // a laptop's server stays open
    expect((await fetch(`${second.url}/api/v1/runs`)).status).toBe(200)
  })

  it('signs a browser in with that token, and out of the next server with another', async () => {
    const data = join(await tempFolder(), 'data')
    const environment = { NORMWATCH_TOKEN: newTokenSecret() }
    const server = await startServer(data, [], environment)
    const { token } = serverFile(data) as { token: string }
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ token })
    const signIn = await fetch(`${server.url}/api/v1/session`, { method: 'POST', headers, body })
    const cookie = String(signIn.headers.get('set-cookie')).split(';')[0] as string
    expect((await fetch(`${server.url}/api/v1/runs`, { headers: { cookie } })).status).toBe(200)
    await server.end('SIGTERM')
    writeFileSync(join(data, 'server.json'), '{"version": 1, "token": "nw_short"}')
    const next = await startServer(data, [], environment)
    expect(serverFile(data)).not.toMatchObject({ token })
    expect((await fetch(`${next.url}/api/v1/runs`, { headers: { cookie } })).status).toBe(401)
  })
})
