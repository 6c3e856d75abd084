import { parseArgs } from 'node:util'
import { readConfig, type Config } from '../config.ts'
import { UsageError } from './usage-error.ts'

/** Reads a command's options, each with one value, and what stands beside them; throws `UsageError` for any other. */
export function readOptions(
  args: readonly string[],
  names: readonly string[],
): { options: Readonly<Record<string, string | undefined>>; rest: readonly string[] } {
  try {
    const options = Object.fromEntries([...names, 'data'].map((name) => [name, { type: 'string' as const }]))
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    return { options: values as Record<string, string | undefined>, rest: positionals }
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('. ')[0]}.`, { cause: error })
  }
}

/** The server's configuration as this environment gives it, with the data folder of `--data`. */
export function configWith(data: string | undefined): Config {
  return readConfig(data === undefined ? [] : ['--data', data], process.env) as Config
}
