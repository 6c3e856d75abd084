import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildDashboard } from '../../apps/dashboard/e2e/build-dashboard.ts'
import { freePort } from '../../apps/server/test/free-port.ts'
import { makeNpmPackage } from '../../scripts/pack/npm-package.ts'
import { buildImage, type Image } from './build-image.ts'

const root = join(import.meta.dirname, '../..')
const IN_CONTAINER = join(import.meta.dirname, 'in-container.sh')
const SECRET = /nw_[A-Za-z0-9_-]{43,}/

/** Running as another user with another root folder requires root. */
describe.runIf(process.getuid?.() === 0)('the image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-image-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }), 600_000)
  let image: Image
  let port: string
  const data = join(folder, 'data-volume')
  beforeAll(async () => {
    chmodSync(folder, 0o755)
    buildDashboard()
    const made = await makeNpmPackage(root, join(folder, 'npm'))
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, made], { stdio: 'pipe' })
    const [packed] = globSync('normwatch-*.tgz', { cwd: folder })
    image = buildImage(folder, join(folder, packed as string))
    // a new volume gets the owner and the mode of the image's folder
    const { uid, gid, mode } = statSync(join(image.folder, 'data'))
    mkdirSync(data)
    chmodSync(data, mode & 0o7777)
    chownSync(data, uid, gid)
    port = String(await freePort())
  }, 600_000)

  const inContainer = (command: readonly string[], user = image.user): [string, string[]] => [
    IN_CONTAINER,
    ['run', image.folder, data, dirname(process.execPath), user, image.workdir, ...command],
  ]
  const env = (more = {}) => ({ ...image.env, NORMWATCH_PORT: port, ...more })
  const exec = (command: readonly string[], more = {}, input?: Buffer) => {
    const [program, args] = inContainer(command)
    return spawnSync(program, args, { env: env(more), encoding: 'utf8', input })
  }

  async function start() {
    const [program, args] = inContainer([...image.entrypoint, ...image.command])
    const child = spawn(program, args, { env: env() })
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

  it('holds the packed package in at most 10 MB, without build files and without a binary for one processor', () => {
    const files = globSync('**/*', { cwd: join(image.folder, 'app'), withFileTypes: true }).filter((file) =>
      file.isFile(),
    )
    const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
    expect(bytes).toBeLessThan(10e6)
    const has = (path: string) => existsSync(join(image.folder, 'app/package', path))
    expect(['dashboard/index.html', 'drizzle', 'server/main.js'].filter((path) => !has(path))).toEqual([])
    // the npm package that the server hands out has its types
    const built = files.filter(({ parentPath }) => !parentPath.endsWith('/sdk-npm'))
    expect(built.filter(({ name }) => /\.(node|ts|svelte)$/.test(name))).toEqual([])
    expect(image.volumes).toEqual([image.env['NORMWATCH_DATA']])
    expect(image.user).not.toMatch(/^(0|root)\b/)
  })

  it(
    'starts as another user on a read-only root, prints its token once and keeps its data',
    { timeout: 120_000 },
    async () => {
      const url = `http://127.0.0.1:${port}`
      const first = await start()
      const token = SECRET.exec(first.output())?.[0] as string
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      expect((await fetch(`${url}/api/v1/runs`)).status).toBe(401)
      const built = readFileSync(join(image.folder, 'app/package/dashboard/index.html'), 'utf8')
      expect(await (await fetch(url)).text()).toContain(built.slice(built.indexOf('</head>')))
      expect((await fetch(`${url}/sdk/python`)).headers.get('content-type')).toBe('application/gzip')
      const put = await fetch(`${url}/api/v1/runs/r`, { method: 'PUT', headers, body: '{}' })
      expect(put.status).toBe(201)
      expect(exec(['touch', '/app/a-file']).stderr).toMatch(/Read-only file system/)
      expect(await first.stop()).toBe(0)

      const second = await start()
      expect(second.output()).not.toMatch(SECRET)
      expect((await fetch(`${url}/api/v1/runs/r`, { headers })).status).toBe(200)
      expect(exec(['normwatch', 'token', 'create', '--name', 'ci', '--scope', 'write']).stdout).toMatch(
        SECRET,
      )
      const doctor = exec(['normwatch', 'doctor'])
      expect(doctor.stdout).toMatch(/^ok +folder +\/data, for its owner alone$/m)
      expect(doctor.stdout).toMatch(/^ok +database +whole, 1 run/m)
      expect(doctor.status).toBe(0)

      // as in docs/deploy.md: make a copy while the server runs, then put it into an empty volume
      expect(exec(['normwatch', 'backup', '/data/copy.db'])).toMatchObject({ status: 0 })
      expect(await second.stop()).toBe(0)
      for (const file of globSync('normwatch.*', { cwd: data })) rmSync(join(data, file))
      const input = readFileSync(join(data, 'copy.db'))
      rmSync(join(data, 'copy.db'))
      const fill = ['sh', '-c', 'umask 077; cat > /data/normwatch.db']
      expect(exec(fill, {}, input).status).toBe(0)
      const restored = await start()
      expect((await fetch(`${url}/api/v1/runs/r`, { headers })).status).toBe(200)
      expect(await restored.stop()).toBe(0)
    },
  )

  it('says in one sentence that its volume, or a file in it, belongs to another user', () => {
    const [own] = image.user.split(':')
    const command = [...image.entrypoint, ...image.command]
    for (const path of [data, join(data, 'normwatch.db')]) {
      const { uid, gid } = statSync(path)
      chownSync(path, 0, 0)
      const inside = path.replace(data, '/data')
      expect(exec(command)).toMatchObject({
        status: 1,
        stderr: `${inside} may not be read and written by this user: chown ${own} ${inside} gives it to this user.\n`,
      })
      chownSync(path, uid, gid)
    }
  })

  it('runs as a user without a name and a home folder, and says that there is no folder for data', () => {
    const [program, args] = inContainer(['sh', '-c', 'unset NORMWATCH_DATA; exec normwatch'], '4711:4711')
    expect(spawnSync(program, args, { env: env(), encoding: 'utf8' })).toMatchObject({
      status: 1,
      stderr:
        'The data folder /.local/share/normwatch cannot be used: its disk is read-only; name another with --data or NORMWATCH_DATA.\n',
    })
  })

  it('has a health check that says whether the server answers, for less than 50 ms of processor time', async () => {
    expect(exec(image.healthcheck).status).toBe(1)
    const server = await start()
    const times = 10
    const command = [
      'sh',
      '-c',
      `for i in $(seq ${times}); do "$@" || exit 1; done; times`,
      'sh',
      ...image.healthcheck,
    ]
    const { status, stdout } = exec(command)
    expect(status).toBe(0)
    // the last line of `times`: user and system time of child processes
    const seconds = [...(stdout.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
      ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
    )
    expect(seconds).toHaveLength(2)
    expect(seconds.reduce((sum, part) => sum + part, 0) / times).toBeLessThan(0.05)
    expect(exec(image.healthcheck, { NORMWATCH_HOST: '127.0.0.1' }).status).toBe(0)
    expect(await server.stop()).toBe(0)
  })
})
