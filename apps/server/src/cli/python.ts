import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { isatty } from 'node:tty'
import { layout } from '../layout.ts'
import { Failure } from './failures.ts'

/** As people call it; Windows has only the second. */
const NAMES = ['python3', 'python']

/**
 * Runs `python -m normwatch` with the SDK that this server hands out, so that nothing has to be installed. It has this
 * process's terminal and its signals; the promise resolves with its exit code.
 */
export async function runPython(args: readonly string[]): Promise<number> {
  const paths = [process.env['PYTHONPATH'], join(layout.pythonSdk, 'src')].filter(Boolean)
  const env = { ...process.env, PYTHONPATH: paths.join(delimiter) }
  for (const name of NAMES) {
    const child = spawn(name, ['-m', 'normwatch', ...args], { stdio: 'inherit', env })
    // A terminal sends Ctrl-C to both; what comes to this process alone is passed on. The child says how it ended.
    const hasTerminal = [0, 1, 2].some((stream) => isatty(stream))
    const passOn = (signal: NodeJS.Signals) => {
      if (signal === 'SIGTERM' || !hasTerminal) child.kill(signal)
    }
    process.on('SIGTERM', passOn).on('SIGINT', passOn)
    try {
      const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
      return code ?? 128 + (signal === null ? 0 : constants.signals[signal])
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  throw new Failure('There is no Python here: neither python3 nor python is found.')
}
