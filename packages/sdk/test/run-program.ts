import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Started } from './start.ts'

/** The package's entry as a JavaScript text, for programs to import. */
export const SDK = JSON.stringify(join(import.meta.dirname, '../src/index.ts'))

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** A line of bash that runs the program by `"$@"`, such as `"$@" 2>/dev/full`. */
  readonly shell?: string
  /** Called with the process for each piece of its output. */
  readonly onOutput?: (child: ChildProcess, output: string) => void
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a module as a process of its own, with the settings of a small server. Resolves when it has ended, however. */
export function runProgram(
  program: string,
  { server, spoolDir }: Pick<Started, 'server' | 'spoolDir'>,
  { env, cwd, shell, onOutput }: ProgramOptions = {},
): Promise<Ended> {
  const node = [process.execPath, '--input-type=module', '--eval', program]
  const [command = '', ...args] = shell === undefined ? node : ['bash', '-c', shell, 'bash', ...node]
  const own = { PATH: process.env['PATH'], NORMWATCH_URL: server.url, NORMWATCH_SPOOL: spoolDir, ...env }
  const child = spawn(command, args, { env: own, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString()
    onOutput?.(child, stdout)
  })
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  return new Promise((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  )
}
