import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const START = join(import.meta.dirname, '../start.ts')
const POLL = 200

export interface DemoServer {
  /** Prints why the server keeps running, and waits until the demo is stopped. Returns at once if it did not start it. */
  untilStopped(why: string): Promise<void>
  close(): Promise<void>
}

/** The server that answers at `url`, else a new one started there. `undefined` if stopped before it was ready. */
export async function findOrStartServer(url: string, signal: AbortSignal): Promise<DemoServer | undefined> {
  if (await answers(url)) return { untilStopped: async () => {}, close: async () => {} }
  const { hostname, port } = new URL(url)
  // its own process group: Ctrl-C must not end the server before the runs have sent their ends
  const flags = ['--host', hostname, '--port', port]
  const child = spawn(process.execPath, [START, ...flags], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await exited
  }
  console.log(`No server answers at ${url}: starting one (the first time it builds the dashboard).`)
  while (!(await answers(url))) {
    if (child.exitCode !== null) process.exit(child.exitCode)
    if (signal.aborted) return void (await close())
    await setTimeout(POLL)
  }
  return {
    close,
    async untilStopped(why) {
      console.log(`${why} The server goes on until Ctrl-C.`)
      if (!signal.aborted) await once(signal, 'abort')
    },
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  )
}
