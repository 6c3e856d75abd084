import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildImage, type Image } from './build-image.ts'

const IN_CONTAINER = join(import.meta.dirname, 'in-container.sh')
const SECRET = /nw_[A-Za-z0-9_-]{43,}/

/** Another user with a root of its own: only the machine's root can arrange that. */
describe.runIf(process.getuid?.() === 0)('the image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-image-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }), 600_000)
  let image: Image
  let port: string
  const data = join(folder, 'data-volume')
  beforeAll(async () => {
    chmodSync(folder, 0o755)
    image = buildImage(folder)
    mkdirSync(data, { mode: 0o700 })
    chownSync(data, ...(image.user.split(':').map(Number) as [number, number]))
    port = String(await freePort())
  }, 600_000)

  const inContainer = (command: readonly string[]): [string, string[]] => [
    IN_CONTAINER,
    [image.folder, data, dirname(process.execPath), image.user, image.workdir, ...command],
  ]
  const env = () => ({ PATH: process.env['PATH'], ...image.env, NORMWATCH_PORT: port })
  const health = () => {
    const [command, args] = inContainer(image.healthcheck)
    return spawnSync(command, args, { env: env() }).status
  }

  async function start() {
    const [command, args] = inContainer(image.command)
    const child = spawn(command, args, { env: env() })
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
    await expect.poll(() => output, { timeout: 60_000 }).toContain('Ctrl-C stops it.')
    const ended = once(child, 'exit')
    return {
      output: () => output,
      stop: async () => (child.kill('SIGTERM'), (await ended)[0] as number | null),
    }
  }

  it('holds what the server needs, and no tool that made it', () => {
    const has = (path: string) => existsSync(join(image.folder, 'app', path))
    expect(
      ['apps/dashboard/build/index.html', 'drizzle', 'node_modules/fastify'].filter((path) => !has(path)),
    ).toEqual([])
    const tools = ['vite', 'typescript', 'vitest', 'eslint', 'drizzle-kit', 'node', 'playwright-core']
    expect(tools.filter((name) => has(`node_modules/${name}`))).toEqual([])
    expect(image.volumes).toEqual([image.env['NORMWATCH_DATA']])
    expect(image.user).not.toMatch(/^(0|root)\b/)
  })

  it(
    'starts as another user on a read-only root, prints its token once and keeps its data',
    { timeout: 120_000 },
    async () => {
      const url = `http://127.0.0.1:${port}`
      expect(health()).toBe(1)
      const first = await start()
      const token = SECRET.exec(first.output())?.[0] as string
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      expect(health()).toBe(0)
      expect((await fetch(`${url}/api/v1/runs`)).status).toBe(401)
      const built = readFileSync(join(image.folder, 'app/apps/dashboard/build/index.html'), 'utf8')
      expect(await (await fetch(url)).text()).toContain(built.slice(built.indexOf('</head>')))
      expect((await fetch(`${url}/sdk/python`)).headers.get('content-type')).toBe('application/gzip')
      const put = await fetch(`${url}/api/v1/runs/r`, { method: 'PUT', headers, body: '{}' })
      expect(put.status).toBe(201)
      expect(await first.stop()).toBe(0)

      const second = await start()
      expect(second.output()).not.toMatch(SECRET)
      expect((await fetch(`${url}/api/v1/runs/r`, { headers })).status).toBe(200)
      const [command, args] = inContainer(['node', 'apps/server/src/cli/normwatch.ts', 'doctor'])
      const doctor = spawnSync(command, args, { env: env(), encoding: 'utf8' })
      expect(doctor.stdout).toMatch(/^ok +folder +\/data, for its owner alone$/m)
      expect(doctor.status).toBe(0)
      expect(await second.stop()).toBe(0)
    },
  )
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
