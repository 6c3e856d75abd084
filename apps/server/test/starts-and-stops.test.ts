import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isType, liveClient } from './live-client.ts'
import { runServer, startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const put = (url: string, path: string, body: object) =>
  fetch(`${url}/api/v1${path}`, {
    method: path.endsWith('/points') ? 'POST' : 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

describe('the server process', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at %s with exit code 0, though sockets are open, and keeps what it took',
    async (signal) => {
      const folder = await tempFolder()
      const server = await startServer(folder)
      await put(server.url, '/runs/r', {})
      await put(server.url, '/runs/r/points', { points: [{ step: 0, loss: 1 }] })
      const reader = await liveClient(server.url)
      reader.send({ type: 'watch', run: 'r' })
      await reader.until(isType('run'))
      const idle = connect(Number(new URL(server.url).port), '127.0.0.1')
      await once(idle, 'connect')
      const closed = once(reader.socket, 'close')
      expect(await server.end(signal)).toEqual({ code: 0, signal: null })
      await closed
      expect(server.output()).not.toMatch(/error/i)

      const again = await startServer(folder)
      const run = await (await fetch(`${again.url}/api/v1/runs/r`)).json()
      expect(run).toMatchObject({ points: 1 })
      expect(await again.end(signal)).toEqual({ code: 0, signal: null })
    },
  )

  it('ends cleanly when the signal comes twice, as npm sends it', async () => {
    const server = await startServer(await tempFolder())
    const ended = server.end('SIGINT')
    expect(await Promise.all([ended, server.end('SIGINT')])).toContainEqual({ code: 0, signal: null })
  })

  it('ends although a client never finishes its request', async () => {
    const server = await startServer(await tempFolder())
    const slow = connect(Number(new URL(server.url).port), '127.0.0.1')
    slow.on('error', () => undefined)
    await once(slow, 'connect')
    slow.write('PUT /api/v1/runs/r HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{')
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect(await server.end('SIGINT')).toEqual({ code: 0, signal: null })
  })

  it('prints its address and how to send a first point, and those lines work', async () => {
    const server = await startServer(await tempFolder())
    expect(server.output()).toContain(server.url)
    const [, path, fields] = /curl -X PUT \S+(\/runs\/\S+) [\s\S]*?-d '(.*)'/.exec(server.output()) ?? []
    expect((await put(server.url, path as string, JSON.parse(fields as string))).status).toBe(201)
    const [, where, points] = /curl \S+(\/runs\/\S+) [\s\S]*?-d '(.*)'/.exec(server.output()) ?? []
    const answer = await put(server.url, where as string, JSON.parse(points as string))
    expect(await answer.json()).toEqual({ accepted: 1, last_step: 0 })
  })
})

describe('a start that cannot work', () => {
  const oneSentence = /^[^\n]+[.:][^\n]*\n$/

  it('names a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, output } = await runServer(['--port', String(port), '--data', await tempFolder()])
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(oneSentence) })
    expect(output).toContain(`Port ${port} is taken`)
  })

  it('names a folder that is a file', async () => {
    const file = join(await tempFolder(), 'file')
    await writeFile(file, 'not a folder')
    const { code, output } = await runServer(['--port', '0', '--data', file])
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(oneSentence) })
    expect(output).toContain(file)
  })

  it('names a folder that another server holds', async () => {
    const folder = await tempFolder()
    await startServer(folder)
    const { code, output } = await runServer(['--port', '0', '--data', folder])
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(oneSentence) })
    expect(output).toContain(folder)
  })

  it.each([
    { flags: ['--port', '99999'], environment: {}, names: '--port' },
    { flags: ['--colour', 'red'], environment: {}, names: '--colour' },
    { flags: [], environment: { NORMWATCH_PORT: 'many' }, names: 'NORMWATCH_PORT' },
    { flags: [], environment: { NORMWATCH_COLOUR: 'red' }, names: 'NORMWATCH_COLOUR' },
  ])('names the setting that is wrong: $names', async ({ flags, environment, names }) => {
    const { code, output } = await runServer(flags, environment as unknown as Record<string, string>)
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(oneSentence) })
    expect(output).toContain(names)
  })

  it('answers --help with its settings', async () => {
    const { code, output } = await runServer(['--help'])
    expect(code).toBe(0)
    expect(output).toContain('--port')
  })
})
