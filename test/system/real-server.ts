import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

const MAIN = join(import.meta.dirname, '../../apps/server/src/main.ts')

/** A separate server process with a data folder that is removed after the test. It can be killed and started again. */
export class RealServer {
  url = ''
  /** Folder of this test. The server uses `data`; everything else is free. */
  readonly folder: string
  #process: ChildProcess | undefined
  #port = '0'

  constructor(folder: string) {
    this.folder = folder
  }

  /** Starts the process. After the first time, it uses the same port again. Resolves when the server answers. */
  async start(): Promise<void> {
    const flags = ['--port', this.#port, '--data', join(this.folder, 'data')]
    const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    let said = ''
    child.stderr.on('data', (text: Buffer) => (said += text.toString()))
    for await (const line of createInterface({ input: child.stdout })) {
      const address = /listens on (http:\S+)/.exec(line)?.[1]
      if (address === undefined) continue
      this.url = address
      this.#port = new URL(address).port
      child.stdout.resume()
      return
    }
    throw new Error(`The server did not start: ${said}`)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`)
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }

  /** The raw readings of a run, in step order. */
  async points(run: string): Promise<Record<string, unknown>[]> {
    const response = await fetch(`${this.url}/api/v1/runs/${run}/points?format=ndjson`)
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    const lines = (await response.text()).split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}

/** A running server that is stopped when the test ends. */
export async function startRealServer(): Promise<RealServer> {
  const folder = await mkdtemp(join(tmpdir(), 'normwatch-system-'))
  const server = new RealServer(folder)
  onTestFinished(async () => {
    await server.kill()
    await rm(folder, { recursive: true, force: true })
  })
  await server.start()
  return server
}
