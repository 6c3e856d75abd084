import { spawn, execFileSync, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { versionOf } from '../../scripts/release/set-version.ts'

const root = join(import.meta.dirname, '../..')
const dist = join(root, 'dist')
const version = versionOf(root)
const place = mkdtempSync(join(tmpdir(), 'normwatch-installed-'))
const home = join(place, 'home')
const data = join(home, '.local/share/normwatch')
const venv = join(place, 'venv')
const python = join(venv, 'bin/python')

/** The files made by `npm run pack`: name → hash of the content. */
function packed(): Record<string, string> {
  const files = globSync('*.{tgz,whl,gz}', { cwd: dist }).sort()
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(dist, file)))
        .digest('hex'),
    ]),
  )
}

const pack = () => execFileSync('npm', ['run', '--silent', 'pack'], { cwd: root, stdio: 'pipe' })

/** A server started by an installed command, with an empty home folder and only `path` on PATH. */
class Installed {
  readonly process: ChildProcess
  said = ''

  constructor(program: string, args: readonly string[], path = '/nowhere', more = {}) {
    this.process = spawn(program, [...args, '--port', '0'], {
      env: { HOME: home, PATH: path, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const keep = (text: Buffer) => (this.said += text.toString())
    this.process.stdout?.on('data', keep)
    this.process.stderr?.on('data', keep)
    onTestFinished(() => this.toAll('SIGKILL'))
  }

  async url(): Promise<string> {
    const address = /listens on (http:\S+)/
    await expect.poll(() => this.said).toMatch(address)
    return address.exec(this.said)?.[1] as string
  }

  /** Sends a signal to the started process and returns the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const ended = once(this.process, 'exit')
    this.process.kill(signal)
    const [code] = (await ended) as [number | null]
    return code
  }

  /** Sends a signal to the process and its children, as a terminal does for Ctrl-C. */
  toAll(signal: NodeJS.Signals | 0): void {
    try {
      process.kill(-(this.process.pid as number), signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  hasChildren(): boolean {
    try {
      process.kill(-(this.process.pid as number), 0)
      return true
    } catch {
      return false
    }
  }
}

/** Fails unless the installed package has the same files and metadata as a wheel. */
const SAME_FILES = `
import importlib.metadata, sys, zipfile
wheel, package = zipfile.ZipFile(sys.argv[1]), importlib.metadata.distribution("normwatch")
def code(names): return sorted(str(name) for name in names if str(name).endswith((".py", ".typed", "entry_points.txt")))
assert code(wheel.namelist()) == code(package.files), (code(wheel.namelist()), code(package.files))
for name in code(wheel.namelist()):
    assert wheel.read(name).split() == package.locate_file(name).read_bytes().split(), name
def told(text):
    lines = [line.replace("'", "").replace('"', "").replace(" ", "") for line in text.splitlines()]
    return sorted(line for line in lines if line.startswith(("Name:", "Version:", "Requires-", "Provides-")))
metadata = next(name for name in wheel.namelist() if name.endswith("METADATA"))
published, here = told(wheel.read(metadata).decode()), told(package.read_text("METADATA"))
assert published == here, (published, here)
`

/** Sends a run with three points, and returns how many the server has of it. */
async function sendPoints(url: string, run: string): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  const points = [0, 1, 2].map((step) => ({ step, grad_norm: 1 + step, loss: 2 }))
  await fetch(`${url}/api/v1/runs/${run}`, { method: 'PUT', headers, body: '{}' })
  const body = JSON.stringify({ points })
  await fetch(`${url}/api/v1/runs/${run}/points`, { method: 'POST', headers, body })
  return ((await (await fetch(`${url}/api/v1/runs/${run}`)).json()) as { points: number }).points
}

beforeAll(pack, 400_000)
afterAll(() => rmSync(place, { recursive: true, force: true }))

describe('what pack makes', () => {
  it('is every package, with the same bytes each time', () => {
    const first = packed()
    expect(Object.keys(first)).toHaveLength(13)
    pack()
    expect(packed()).toEqual(first)
  }, 400_000)

  it('names, for each binary, a system that has what the binary needs', () => {
    for (const [file, tag] of [
      ['linux-x64', 'manylinux_2_34_x86_64'],
      ['linux-arm64', 'manylinux_2_34_aarch64'],
    ]) {
      const binary = readFileSync(join(root, `node_modules/better-sqlite3/prebuilds/${file}.node`), 'latin1')
      const asked = [...binary.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor))
      expect(tag).toContain(`manylinux_2_${Math.max(...asked)}_`)
    }
  })
})

describe('what pip takes', () => {
  it.each([
    ['manylinux_2_34_x86_64', 'manylinux_2_34_x86_64'],
    ['manylinux_2_28_x86_64', 'any'],
    ['manylinux_2_34_aarch64', 'manylinux_2_34_aarch64'],
    ['musllinux_1_2_x86_64', 'musllinux_1_2_x86_64'],
    ['musllinux_1_2_aarch64', 'musllinux_1_2_aarch64'],
    ['musllinux_1_1_x86_64', 'any'],
    ['macosx_11_0_arm64', 'macosx_11_0_arm64'],
    ['macosx_11_0_x86_64', 'macosx_11_0_x86_64'],
    ['macosx_10_9_x86_64', 'any'],
    ['win_amd64', 'win_amd64'],
    ['win_arm64', 'win_arm64'],
    ['win32', 'any'],
  ])('on %s is the wheel for %s', (platform, tag) => {
    const target = join(place, 'taken', platform)
    const where = ['--no-index', '--find-links', dist, '--dest', target]
    const what = ['--no-deps', '--only-binary=:all:', '--platform', platform, 'normwatch-server']
    execFileSync('/usr/bin/python3', ['-m', 'pip', 'download', '-q', ...where, ...what], { stdio: 'pipe' })
    expect(globSync('*', { cwd: target })).toEqual([`normwatch_server-${version}-py3-none-${tag}.whl`])
  })
})

describe('installed by pip, without Node and with an empty home', () => {
  beforeAll(() => {
    mkdirSync(home, { recursive: true })
    execFileSync('/usr/bin/python3', ['-m', 'venv', venv])
    const what = ['--find-links', dist, `normwatch[server]==${version}`]
    execFileSync(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...what])
  })

  it('has only the binary of this platform', () => {
    const binaries = globSync('lib/python*/site-packages/normwatch_server/node/node_modules/**/*.node', {
      cwd: venv,
    })
    expect(binaries).toHaveLength(1)
    expect(binaries[0]).toContain(`${process.platform}`)
  })

  it('serves the whole product and stops at SIGTERM and Ctrl-C: exit 0, data closed, nothing left running', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = new Installed(join(venv, 'bin/normwatch'), [])
      const url = await server.url()
      expect(server.said).toContain(data)
      expect(await sendPoints(url, `run-${signal}`)).toBe(3)
      expect(await (await fetch(`${url}/`)).text()).toContain('<!doctype html>')
      expect((await fetch(`${url}/docs/`)).status).toBe(200)
      expect((await fetch(`${url}/docs/page.css`)).status).toBe(200)
      expect((await (await fetch(`${url}/readyz`)).json()) as object).toMatchObject({ version })
      expect(existsSync(join(data, 'normwatch.db-wal'))).toBe(true)
      expect(await server.end(signal)).toBe(0)
      expect(server.hasChildren()).toBe(false)
      expect(existsSync(join(data, 'normwatch.db-wal'))).toBe(false)
      await expect(fetch(url)).rejects.toThrow()
    }
    const again = new Installed(join(venv, 'bin/normwatch'), ['serve'])
    const { runs } = (await (await fetch(`${await again.url()}/api/v1/runs`)).json()) as { runs: unknown[] }
    expect(runs).toHaveLength(2)
    expect(await again.end('SIGTERM')).toBe(0)
  })

  it('serves its own SDK, with the files that pack publishes, to a machine that can reach nothing else', async () => {
    const server = new Installed(join(venv, 'bin/normwatch'), [])
    const url = await server.url()
    const trainer = join(place, 'trainer')
    execFileSync('/usr/bin/python3', ['-m', 'venv', trainer])
    const trainerPython = join(trainer, 'bin/python')
    // nothing listens at this proxy address, so only this machine can be reached
    const away = {
      http_proxy: 'http://127.0.0.1:1',
      https_proxy: 'http://127.0.0.1:1',
      no_proxy: '127.0.0.1',
    }
    const env = { HOME: home, PATH: '/nowhere', PIP_CONFIG_FILE: '/dev/null', PIP_NO_INDEX: '1', ...away }
    execFileSync(trainerPython, ['-m', 'pip', 'install', '-q', `${url}/sdk/python`], { env, stdio: 'pipe' })

    const wheel = join(dist, `normwatch-${version}-py3-none-any.whl`)
    execFileSync(trainerPython, ['-c', SAME_FILES, wheel], { env, stdio: 'pipe' })
    expect((await fetch(`${url}/sdk/npm`)).status).toBe(200)
    const program = `import normwatch
with normwatch.init(id="from-afar", max_norm=1.0) as run:
    run.log(grad_norm=2.0, loss=1.0)`
    execFileSync(trainerPython, ['-c', program], { env: { ...env, NORMWATCH_URL: url }, stdio: 'pipe' })
    const stored = (await (await fetch(`${url}/api/v1/runs/from-afar`)).json()) as { points: number }
    expect(stored.points).toBe(1)
    expect(await server.end('SIGTERM')).toBe(0)
  })

  it('is started by a notebook that ends, and found by the next one', async () => {
    const env = { HOME: home, PATH: '/nowhere' }
    const serve = () => {
      const program = 'import normwatch; print(normwatch.serve("--port", "0").url)'
      return String(execFileSync(python, ['-c', program], { env, stdio: 'pipe' })).trim()
    }
    const url = serve()
    const { pid, url: announced } = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8')) as {
      pid: number
      url: string
    }
    onTestFinished(() => {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // the process has ended, as expected
      }
    })
    expect(announced).toBe(url)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(serve()).toBe(url)
    process.kill(pid, 'SIGTERM')
    await expect
      .poll(() => JSON.parse(readFileSync(join(data, 'server.json'), 'utf8')) as object)
      .not.toHaveProperty('url')
  })

  it('keeps data that only this user can read', () => {
    expect(statSync(data).mode & 0o777).toBe(0o700)
    for (const file of globSync('*', { cwd: data }))
      expect(statSync(join(data, file)).mode & 0o777).toBe(0o600)
  })

  it('runs the Node that NORMWATCH_NODE names', () => {
    const env = { HOME: home, PATH: '/nowhere', NORMWATCH_NODE: '/no/such/node' }
    expect(() => execFileSync(join(venv, 'bin/normwatch'), [], { env, stdio: 'pipe' })).toThrow(
      '/no/such/node',
    )
    const help = execFileSync(join(venv, 'bin/normwatch'), ['serve', '--help'], {
      env: { ...env, NORMWATCH_NODE: process.execPath },
    })
    expect(String(help)).toContain('NORMWATCH_DATA')
  })

  it('reports an invalid setting with exit code 1 and one sentence', () => {
    const env = { HOME: home, PATH: '/nowhere' }
    const wrong = () => execFileSync(join(venv, 'bin/normwatch'), ['--port', 'x'], { env, stdio: 'pipe' })
    expect(wrong).toThrow(/--port is "x"; it must be a port/)
  })

  it('stops in order at Ctrl-C where a process cannot replace another, as on Windows', async () => {
    const elsewhere = [
      'import os, sys, normwatch_server as server',
      'node = server.node()',
      'server.node, os.name = lambda: node, "nt"',
      'server.run(sys.argv[1:])',
    ]
    const server = new Installed(python, ['-c', elsewhere.join('; ')])
    const url = await server.url()
    expect(await sendPoints(url, 'run-elsewhere')).toBe(3)
    const ended = once(server.process, 'exit')
    server.toAll('SIGINT')
    expect(await ended).toEqual([0, null])
    expect(server.hasChildren()).toBe(false)
    expect(existsSync(join(data, 'normwatch.db-wal'))).toBe(false)
  })
})

describe('installed by npm', () => {
  const folder = join(place, 'npm')
  const command = join(folder, 'node_modules/.bin/normwatch')

  beforeAll(() => {
    mkdirSync(folder)
    const install = [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefix',
      folder,
      join(dist, `normwatch-${version}.tgz`),
    ]
    execFileSync('npm', install, { cwd: folder, stdio: 'pipe' })
  })

  it('serves, and stops at SIGTERM and Ctrl-C: exit 0, nothing left running', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = new Installed(command, [], dirname(process.execPath))
      const url = await server.url()
      expect(await sendPoints(url, `npm-${signal}`)).toBe(3)
      expect(await server.end(signal)).toBe(0)
      expect(server.hasChildren()).toBe(false)
      expect(existsSync(join(data, 'normwatch.db-wal'))).toBe(false)
    }
  })

  it.runIf(existsSync('/proc/self/cmdline'))(
    'starts Node with the flags that limit its memory, for any settings of the shell',
    async () => {
      const server = new Installed(command, [], dirname(process.execPath), { MALLOC_ARENA_MAX: '1' })
      await server.url()
      expect(readFileSync(`/proc/${server.process.pid}/cmdline`, 'utf8')).toContain('--max-semi-space-size=4')
      expect(await server.end('SIGTERM')).toBe(0)
    },
  )

  it('exports the page of a run, with all files of the page', async () => {
    const server = new Installed(command, [], dirname(process.execPath))
    const url = await server.url()
    expect(await sendPoints(url, 'npm-page')).toBe(3)
    const page = join(place, 'page.html')
    const env = { HOME: home, PATH: dirname(process.execPath), NORMWATCH_URL: url }
    execFileSync(command, ['export', 'npm-page', '--format', 'html', '--output', page], {
      env,
      stdio: 'pipe',
    })
    expect(readFileSync(page, 'utf8')).toContain('uPlot')
    expect(await server.end('SIGTERM')).toBe(0)
  })

  it("serves with Node's SQLite if the binary does not load", async () => {
    rmSync(join(folder, 'node_modules/better-sqlite3'), { recursive: true })
    const server = new Installed(command, [], dirname(process.execPath))
    expect(await sendPoints(await server.url(), 'npm-node-sqlite')).toBe(3)
    expect(await server.end('SIGTERM')).toBe(0)
    expect(existsSync(join(data, 'normwatch.db-wal'))).toBe(false)
  })

  it('says in one sentence that Node is too old', () => {
    const bin = join(folder, 'node_modules/normwatch/bin/normwatch.js')
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.19.0' }); await import(${JSON.stringify(bin)})`
    const run = () => execFileSync(process.execPath, ['--input-type=module', '-e', old], { stdio: 'pipe' })
    expect(run).toThrow('Normwatch needs Node 24.15 or later, or 22.23; this is 20.19.0.')
  })

  it('names the licence of all code that it includes', () => {
    const text = readFileSync(join(folder, 'node_modules/normwatch/THIRD-PARTY.md'), 'utf8')
    for (const name of ['fastify', 'pino', 'nodemailer'])
      expect(text).toMatch(new RegExp(`^## ${name} [\\d.]+ \\(`, 'm'))
    expect(text).not.toMatch(/\((undefined|)\)/)
  })
})
