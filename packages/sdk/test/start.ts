import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startRun } from '../src/init.ts'
import { nodePlatform } from '../src/node/platform.ts'
import type { Platform } from '../src/platform.ts'
import type { InitOptions, Run } from '../src/types.ts'
import { SmallServer } from './small-server.ts'

/** Options for `vi.waitFor`. What takes milliseconds can take seconds on a busy machine. */
export const PATIENCE = { timeout: 15_000 }

export interface Started {
  readonly server: SmallServer
  readonly spoolDir: string
  readonly warnings: string[]
  readonly said: string[]
  /** A run against the server, with the shortest delays the policy allows. */
  start(options?: InitOptions, platform?: Partial<Platform>): Run
  /** Lines of the spool's files, by file. */
  spooled(): Promise<Map<string, unknown[]>>
}

/** A small server, a spool folder and runs on the test's thread. All are removed when the test ends. */
export async function startSdk(): Promise<Started> {
  const server = await new SmallServer().listen()
  const spoolDir = join(await mkdtemp(join(tmpdir(), 'normwatch-sdk-')), 'spool')
  const warnings: string[] = []
  const said: string[] = []
  const runs: Run[] = []
  onTestFinished(async () => {
    await Promise.all(runs.map((run) => run.finish({ timeoutMs: 0 })))
    await server.close()
    await rm(join(spoolDir, '..'), { recursive: true, force: true })
  })
  return {
    server,
    spoolDir,
    warnings,
    said,
    start(options = {}, platform = {}) {
      const node = nodePlatform()
      const own: Partial<Platform> = {
        env: () => undefined,
        random: () => 0,
        warn: (line) => warnings.push(line),
        say: (line) => said.push(line),
      }
      const run = startRun({ url: server.url, spoolDir, ...options }, { ...node, ...own, ...platform })
      runs.push(run)
      return run
    },
    async spooled() {
      const files = await readdir(spoolDir).catch(() => [])
      const read = async (file: string): Promise<[string, unknown[]]> => {
        const lines = (await readFile(join(spoolDir, file), 'utf8')).split('\n').filter((line) => line !== '')
        return [file, lines.map((line) => JSON.parse(line) as unknown)]
      }
      return new Map(await Promise.all(files.map(read)))
    },
  }
}
