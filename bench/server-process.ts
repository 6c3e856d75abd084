import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import type { RunFields } from '@normwatch/protocol'

const ROOT = join(import.meta.dirname, '..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: { start: string }
}
/** The program that `npm start` runs, without npm and without the check that the dashboard is built. */
const START = scripts.start.replace('exec node', `exec '${process.execPath}'`)
const SERVER = 'apps/server/src/main.ts'

/** A real server in a separate process, on a free port of this machine. */
export class ServerProcess {
  readonly url: string
  readonly port: number
  /** Seconds from the start of node to the first answer, which is the dashboard's page. */
  readonly startSeconds: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string, startSeconds: number) {
    this.#child = child
    this.url = url
    this.port = Number(new URL(url).port)
    this.startSeconds = startSeconds
  }

  /**
   * If `environment` is given, the server gets only these variables and none of this process. `program` is the path of another
   * program in the checkout, which is started like the server.
   */
  static async start(
    folder: string,
    {
      environment,
      program = SERVER,
    }: { environment?: Record<string, string>; program?: string | undefined } = {},
  ): Promise<ServerProcess> {
    const begin = performance.now()
    const command = START.replace('scripts/start.ts', program)
    const child = spawn('/bin/sh', ['-c', `${command} "$@"`, 'sh', '--port', '0', '--data', folder], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: environment ?? process.env,
    })
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (text) => {
        const said = /http:\/\/127\.0\.0\.1:\d+/.exec(String(text))?.[0]
        if (said !== undefined) resolve(said)
      })
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    })
    const { status } = await fetch(url)
    const server = new ServerProcess(child, url, (performance.now() - begin) / 1000)
    if (status === 200) return server
    await server.stop()
    throw new Error(`the first page answers ${status}: is the dashboard built (npm run build)?`)
  }

  /** Resident memory in MiB, from the kernel. */
  get megabytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 102.4) / 10
  }

  /** Processor time used since the start, in seconds, with a resolution of 10 ms. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
    // User and system time are fields 14 and 15. Field 2, a name, may contain spaces.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
    return (Number(user) + Number(system)) / 100
  }

  async put(run: string, fields: RunFields): Promise<void> {
    await this.#send('PUT', `runs/${run}`, fields)
  }

  async post(run: string, columns: Record<string, readonly unknown[]>): Promise<void> {
    await this.#send('POST', `runs/${run}/points`, { columns })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.kill('SIGINT')) await once(this.#child, 'exit')
  }

  async #send(method: string, path: string, body: unknown): Promise<void> {
    const reply = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
    await reply.arrayBuffer()
  }
}

/** What a figure depends on other than the code. Stored with every result. */
export function machine() {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model}, ${gibibytes} GiB, Node ${process.version}`,
    at: new Date().toISOString(),
    loadAverage: load(),
  }
}

/** The load average of the last minute. Compared with the number of processors, it shows whether the machine was busy. */
export function load(): number {
  return Math.round((loadavg()[0] ?? NaN) * 10) / 10
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}
