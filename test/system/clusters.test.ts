import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchServer } from '@normwatch/sdk/reach'
import { describe, expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/clusters.md'), 'utf8')

/** The shell blocks below a heading of docs/clusters.md, unchanged and in order. The job is the first or the last one. */
function blocksOf(heading: string): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code as string)
}

/** Replacements for the programs of a cluster on one machine. */
const PROGRAMS: Record<string, string> = {
  // the command that pip installs: Python runs the SDK's verbs, and Node the server, with the data folder of an installation
  normwatch: `case "$*" in
  *sync*) exec python3 -m normwatch "$@" ;;
  *) exec "${process.execPath}" "${root}/apps/server/src/main.ts" --data "$HOME/.local/share/normwatch" "$@" ;;
esac`,
  sbatch: `PYTHONPATH="$HOME/node17:$PYTHONPATH" SLURM_SUBMIT_HOST=login1 exec bash "$1"`,
  srun: `exec "$@"`,
  // arguments: -N -L local:remote host
  ssh: `exec "${process.execPath}" -e '
const net = require("node:net"), [from, to] = process.argv[3].split(":")
net.createServer((here) => {
  const there = net.connect(to)
  here.pipe(there).pipe(here)
  for (const end of [here, there]) end.on("error", () => here.destroy())
}).listen(from)' -- "$@"`,
}

const TRAINING = `import normwatch, socket
assert socket.gethostname() == "node17"
with normwatch.init(id="job", project="cluster", max_norm=1.0) as run:
    for step in range(200):
        run.log(grad_norm=2.0, loss=1.0)
`

/** A home folder that is shared by login and compute nodes. */
class Cluster {
  readonly home = mkdtempSync(join(tmpdir(), 'nw-cluster-'))
  said = ''

  constructor() {
    const bin = join(this.home, 'bin')
    mkdirSync(bin)
    for (const [name, code] of Object.entries(PROGRAMS)) {
      writeFileSync(join(bin, name), `#!/bin/bash\n${code}\n`, { mode: 0o755 })
    }
    mkdirSync(join(this.home, 'node17'))
    // a compute node has a different host name
    writeFileSync(
      join(this.home, 'node17/sitecustomize.py'),
      'import socket\nsocket.gethostname = lambda: "node17"\n',
    )
    writeFileSync(join(this.home, 'train.py'), TRAINING)
    onTestFinished(() => rmSync(this.home, { recursive: true, force: true }))
  }

  get #environment() {
    const paths = [join(this.home, 'bin'), process.env['PATH']].join(':')
    return { HOME: this.home, PATH: paths, PYTHONPATH: join(root, 'packages/sdk-python/src') }
  }

  /** Runs a block on the login node until the test ends. */
  keep(code: string, more = ''): ChildProcess {
    const child = spawn('bash', ['-c', `exec ${code.trim()} ${more}`], {
      cwd: this.home,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (this.said += String(text)))
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve()
        else child.once('exit', () => resolve())
      })
    })
    return child
  }

  submit(job: string): void {
    writeFileSync(join(this.home, 'job.sh'), job)
    execFileSync('bash', ['-c', 'sbatch job.sh'], { cwd: this.home, env: this.#environment, stdio: 'pipe' })
  }

  /** The content of `server.json` once the server listens. */
  async server(): Promise<{ url: string; token: string }> {
    const file = join(this.home, '.local/share/normwatch/server.json')
    await expect.poll(() => existsSync(file) || this.said, { timeout: 60_000 }).toBe(true)
    return JSON.parse(readFileSync(file, 'utf8')) as { url: string; token: string }
  }
}

async function pointsOf({ url, token }: { url: string; token: string }): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}` }
  const reply = await fetchServer(`${url}/api/v1/runs/job`, { headers })
  return ((await reply.json()) as { points?: number }).points
}

const hasName = await lookup(hostname()).then(
  () => true,
  () => false,
)

describe('docs/clusters.md', () => {
  it.skipIf(!hasName)(
    'a job reaches the server on the login node by the file in the shared home',
    async () => {
      const cluster = new Cluster()
      const [start = '', job = ''] = blocksOf('A server on the login node')
      cluster.keep(start, '--port 0')
      const server = await cluster.server()
      expect(server.url).toMatch(`http://${hostname()}:`)
      expect((await fetch(`${server.url}/api/v1/runs`)).status).toBe(401)
      expect(cluster.said).not.toContain('nw_')
      cluster.submit(job)
      expect(await pointsOf(server)).toBe(200)
    },
  )

  it('a job forwards the socket of the login node by ssh', async () => {
    const cluster = new Cluster()
    const [start = '', job = ''] = blocksOf('A socket')
    cluster.keep(start)
    const server = await cluster.server()
    expect(server.url).toBe(`unix:${cluster.home}/.normwatch.sock`)
    cluster.submit(job)
    expect(await pointsOf(server)).toBe(200)
  })

  it("the readings of a job without a network are sent to its user's server later", async () => {
    const cluster = new Cluster()
    const [job = '', follow = ''] = blocksOf('The spool')
    cluster.keep('normwatch --socket ~/.normwatch.sock')
    const server = await cluster.server()
    cluster.submit(job)
    expect(await pointsOf(server)).toBeUndefined()
    cluster.keep(follow)
    await expect.poll(() => pointsOf(server), { timeout: 60_000 }).toBe(200)
  })
})
