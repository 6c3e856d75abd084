import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export const NORMWATCH = join(import.meta.dirname, '../src/cli/normwatch.ts')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command `normwatch` as a shell does, with nothing of this process's environment but `PATH`. */
export async function normwatch(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  cwd = process.cwd(),
): Promise<Ended> {
  const child = spawn(process.execPath, [NORMWATCH, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (part) => (stdout += String(part)))
  child.stderr.on('data', (part) => (stderr += String(part)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

export interface Verb {
  /** As it is called, such as `['token', 'list']`. */
  readonly path: readonly string[]
  readonly help: Ended
}

/** The verbs that `--help` lists below `path`, and those below them, each with its own help. */
export async function listVerbs(path: readonly string[] = []): Promise<Verb[]> {
  const help = await normwatch([...path, '--help'])
  const [, commands] = /\nCommands:\n((?: {2}.*\n)*)/.exec(help.stdout) ?? []
  if (commands === undefined) return [{ path, help }]
  const names = [...commands.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name as string)
  const below = names.filter((name) => name !== 'help').map((name) => listVerbs([...path, name]))
  return (await Promise.all(below)).flat()
}

/** The arguments of the commands in a help text, as a shell splits them. */
export function examplesIn(help: string): string[][] {
  const [, lines = ''] = /\nExamples?:\n((?: {2}normwatch .*\n)+)/.exec(help) ?? []
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim().split(/ +/).slice(1))
}
