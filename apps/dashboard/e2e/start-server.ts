import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Run, RunFields } from '@normwatch/protocol'
import { onTestFinished } from 'vitest'
import { buildDashboard } from './build-dashboard.ts'

const main = join(import.meta.dirname, '../../server/src/main.ts')

/**
 * A real server in a process of its own, on a free port, with an empty data folder that goes with the test. `settings`
 * are environment variables.
 */
export async function startServer(settings: Readonly<Record<string, string>> = {}) {
  buildDashboard()
  const data = await mkdtemp(join(tmpdir(), 'normwatch-e2e-'))
  const first = await launch(data, 0, settings)
  const { url } = first
  let { child } = first
  onTestFinished(async () => {
    await kill(child)
    await rm(data, { recursive: true, force: true })
  })

  async function call<Reply>(method: string, path: string, body?: unknown): Promise<Reply> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (response.status === 204 ? undefined : await response.json()) as Reply
  }

  return {
    url,
    call,
    put: (id: string, fields: RunFields = {}) => call<Run>('PUT', `/runs/${id}`, fields),
    send: (id: string, columns: Record<string, readonly unknown[]>) =>
      call('POST', `/runs/${id}/points`, { columns }),
    /** Ends the process as a power cut would. */
    kill: () => kill(child),
    /** Starts it again, with the same data at the same address. */
    async restart() {
      ;({ child } = await launch(data, Number(new URL(url).port), settings))
    },
  }
}

async function launch(
  data: string,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [main, '--port', String(port), '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings },
  })
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    const listen = (text: unknown) => {
      said += String(text)
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
      if (address !== undefined) resolve(address)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', () => reject(new Error(`The server did not start:\n${said}`)))
  })
  return { child, url }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
