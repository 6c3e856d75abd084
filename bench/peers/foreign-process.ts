import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_SECONDS = 90

/** A peer's server, in its own process group. */
export class ForeignProcess {
  /** Seconds from its start to the first page. */
  readonly startSeconds: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, startSeconds: number) {
    this.#child = child
    this.startSeconds = startSeconds
  }

  static async start(
    command: readonly string[],
    url: string,
    cwd: string,
    env: NodeJS.ProcessEnv,
  ): Promise<ForeignProcess> {
    const said = openSync(join(cwd, 'server.log'), 'a')
    const begin = performance.now()
    const [program, ...args] = command as [string, ...string[]]
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', said, said] })
    const seconds = () => (performance.now() - begin) / 1000
    const started = new ForeignProcess(child, seconds())
    while (seconds() < PATIENCE_SECONDS && child.exitCode === null) {
      const reply = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
      if (reply?.ok === true) return new ForeignProcess(child, Math.round(seconds() * 100) / 100)
      await sleep(20)
    }
    await started.stop()
    throw new Error(
      `${program} does not answer: ${readFileSync(join(cwd, 'server.log'), 'utf8').slice(-400)}`,
    )
  }

  /** Resident memory of the process and its descendants in MiB. Shared pages count once per process. */
  get megabytes(): number {
    const parents = new Map<number, number>()
    for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      parents.set(Number(name), Number(/PPid:\s+(\d+)/.exec(status(name))?.[1]))
    }
    const isBelow = (pid: number | undefined): boolean =>
      pid === this.#child.pid || (pid !== undefined && pid > 1 && isBelow(parents.get(pid)))
    const kilobytes = [...parents.keys()]
      .filter(isBelow)
      .reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(status(String(pid)))?.[1] ?? 0), 0)
    return Math.round(kilobytes / 102.4) / 10
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    process.kill(-(this.#child.pid as number), 'SIGKILL')
    await ended
  }
}

function status(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
