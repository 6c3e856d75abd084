import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const START = join(import.meta.dirname, '../start.ts')
const POLL = 200

export interface DemoServer {
  /** Says why, and waits until the demo is stopped; at once where the server was there before. */
  untilStopped(why: string): Promise<void>
  close(): Promise<void>
}

/** The server that answers at `url`, else one started there for the demo. `undefined` when stopped before it was up. */
export async function findOrStartServer(url: string, signal: AbortSignal): Promise<DemoServer | undefined> {
  if (await answers(url)) return { untilStopped: async () => {}, close: async () => {} }
  const { hostname, port } = new URL(url)
  // a process group of its own: Ctrl-C must not end it before the runs have told it that they end
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
