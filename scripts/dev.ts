/**
 * `npm run dev`: runs the server, which restarts when its sources change, and the dashboard, whose pages reload themselves.
 * Arguments are passed to the server: `npm run dev -- --port 4290`.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const args = process.argv.slice(2)
const { values } = parseArgs({ args, strict: false, options: { port: { type: 'string' } } })
const port = String(values.port ?? process.env['NORMWATCH_PORT'] ?? 4280)
const server = ['--watch', '--watch-preserve-output', 'apps/server/src/main.ts', ...args]
const pages = [join(root, 'node_modules/vite/bin/vite.js'), 'dev']
const children = [
  start(server, root),
  start(pages, join(root, 'apps/dashboard'), { NORMWATCH_DEV_SERVER: `http://127.0.0.1:${port}` }),
]
let isStopping = false
process.on('SIGINT', stop).on('SIGTERM', stop)

function start(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' })
  child.on('exit', (code) => {
    if (!isStopping) process.exitCode = code ?? 1
    stop()
  })
  return child
}

/** Stops both processes when one of them ends. */
function stop(): void {
  isStopping = true
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
}
