import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Run, RunList } from '@normwatch/protocol'

const root = join(import.meta.dirname, '../..')

export interface PictureServer {
  readonly url: string
  /** Adds a channel with a receiver that accepts every message. */
  addChannel(): Promise<void>
  /** Imports recorded logs as `normwatch import` does, into a project. */
  importLogs(project: string, folders: readonly string[]): void
  /** The newest run whose name contains these words. */
  runNamed(words: string): Promise<Run>
  close(): Promise<void>
}

/** A separate server with an empty data folder, and a receiver for its messages. */
export async function startPictureServer(): Promise<PictureServer> {
  const data = await mkdtemp(join(tmpdir(), 'normwatch-pictures-'))
  const receiver = createServer((request, response) => {
    request.resume()
    response.end('taken')
  })
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  const { port } = receiver.address() as AddressInfo
  const child = spawn(process.execPath, [join(root, 'scripts/start.ts'), '--port', '0', '--data', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NORMWATCH_WEBHOOK_ALLOW: '127.0.0.0/8', NORMWATCH_GROUP_SECONDS: '0' },
  })
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`The server did not start:\n${said}`)))
    child.stdout.on('data', (text) => {
      said += String(text)
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
      if (address !== undefined) resolve(address)
    })
  })
  return {
    url,
    async addChannel() {
      const body = JSON.stringify({ kind: 'webhook', name: 'on call', url: `http://127.0.0.1:${port}/hook` })
      const reply = await fetch(`${url}/api/v1/channels`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      if (!reply.ok) throw new Error(`No channel: ${await reply.text()}`)
    },
    importLogs(project, folders) {
      const paths = folders.map((folder) => join(root, 'packages/importers/fixtures', folder))
      const cli = join(root, 'apps/server/src/cli/normwatch.ts')
      const flags = ['--project', project, '--max-norm', '1', '--json']
      execFileSync(process.execPath, [cli, 'import', ...paths, ...flags], {
        env: { ...process.env, NORMWATCH_URL: url },
        stdio: ['ignore', 'ignore', 'ignore'],
      })
    },
    async runNamed(words) {
      const reply = await fetch(`${url}/api/v1/runs?${new URLSearchParams({ q: words })}`)
      const [run] = ((await reply.json()) as RunList).runs
      if (run === undefined) throw new Error(`No run is called ${words}.`)
      return run as Run
    },
    async close() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      receiver.close()
      receiver.closeAllConnections()
      await rm(data, { recursive: true, force: true })
    },
  }
}
