import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { databaseInPlaceOf } from './postgres.ts'

const MAIN = join(import.meta.dirname, '../src/main.ts')
const COMMAND = join(import.meta.dirname, '../src/cli/normwatch.ts')

export interface ServerProcess {
  readonly process: ChildProcess
  /** `http://127.0.0.1:…`, once it listens. */
  readonly url: string
  /** All it has printed. */
  output(): string
  /** Sends the signal and resolves with how the process ended. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/**
 * Starts the real server on a free port and waits until it says that it listens; killed when the test ends. With
 * `through`, a command runs it: one that becomes the server itself, as `exec` does. `main` is another version's program.
 */
export async function startServer(
  folder: string,
  flags: readonly string[] = [],
  environment: Record<string, string> = {},
  through: readonly string[] = [],
  main = MAIN,
): Promise<ServerProcess> {
  const database = await databaseInPlaceOf(folder)
  const { child, output, ended } = run(
    main,
    ['--port', '0', '--data', folder, ...flags],
    { ...(database && { NORMWATCH_DATABASE_URL: database }), ...environment },
    through,
  )
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const address = /listens on (\S+)/.exec(output())?.[1]
      if (address !== undefined) resolve(address)
    })
    child.once('exit', () => reject(new Error(`the server did not start: ${output()}`)))
  })
  return {
    process: child,
    url,
    output,
    end(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs the server with flags that it will refuse; resolves with how it ended and what it said. */
export async function runServer(
  flags: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  return ending(run(MAIN, flags, environment))
}

/** Runs the command `normwatch`; resolves with how it ended and what it said. */
export function runCommand(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return ending(run(COMMAND, args))
}

async function ending({ output, ended }: ReturnType<typeof run>) {
  const { code } = await ended
  return { code, output: output() }
}

function run(
  script: string,
  flags: readonly string[],
  environment: Record<string, string> = {},
  through: readonly string[] = [],
) {
  const [command, ...args] = [...through, process.execPath, script, ...flags]
  const child = spawn(command as string, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)))
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  return { child, output: () => text, ended }
}
