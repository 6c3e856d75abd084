/** `npm run check`: all checks for a merge except the long tests. Prints the time of each, and output only for failures. */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
/** The longest checks first, so that a long one does not run alone at the end. */
const steps: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['lint', ['npm', 'run', '--silent', 'lint']],
  ['types', ['npm', 'run', '--silent', 'types']],
  ['format', ['npm', 'run', '--silent', 'format:check']],
  ['unit tests', ['npx', 'vitest', 'run', '--project', 'unit', '--reporter=dot']],
  ['unused', ['npm', 'run', '--silent', 'unused']],
  ['audit', ['npm', 'run', '--silent', 'audit']],
]

const waiting = [...steps]
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work))

async function work(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    const [name, command] = step
    const started = performance.now()
    const { status, output } = await run(command)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
    if (status === 0) continue
    process.exitCode = 1
    console.error(output)
  }
}

function run([program, ...args]: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((done) => {
    const child = spawn(program as string, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer) => (output += chunk)
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => done({ status: 1, output: String(error) }))
    child.on('close', (code) => done({ status: code ?? 1, output }))
  })
}
