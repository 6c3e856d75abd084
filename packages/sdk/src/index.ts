import { fileURLToPath } from 'node:url'
import { startRun } from './init.ts'
import { listSpoolFiles } from './node/list-spool-files.ts'
import { nodePlatform } from './node/platform.ts'
import { spoolFolder } from './node/spool-folder.ts'
import { sendSpoolFiles } from './node/sync.ts'
import { readSyncOptions } from './node/sync-options.ts'
import type { InitOptions, Run, SyncOptions, SyncReport } from './types.ts'

export { clipByGlobalNorm, clipByValue, globalNorm, type ClippedByValue, type GradientArray } from './clip.ts'
export type * from './types.ts'

const platform = nodePlatform(threadProgram(import.meta.url))

/**
 * The file beside this one that the thread runs. `undefined` where there is none: some CommonJS bundles have no
 * `import.meta.url`, and code that was loaded from elsewhere has another kind of URL.
 */
function threadProgram(here: string | undefined): string | undefined {
  if (here?.startsWith('file:') !== true) return undefined
  return fileURLToPath(new URL(`./thread-program${here.slice(here.lastIndexOf('.'))}`, here))
}

/**
 * Starts recording a run and returns at once, even if the server is down. Prints the address of the run's page. If the process
 * ends without `finish`, unsent readings are sent or kept in the spool, and the run's status follows from how the process
 * ended. An invalid option is ignored with a warning (with `strict`: throws `TypeError`).
 */
export function init(options: InitOptions = {}): Run {
  return startRun(options, platform)
}

/**
 * Sends what earlier processes could not send. Never rejects because of the server: `filesLeft` lists what could not be sent.
 * Rejects with `TypeError` for an invalid option.
 */
export async function sync(options: SyncOptions = {}): Promise<SyncReport> {
  const { spoolDir, ...rest } = readSyncOptions(options, process.env)
  const files = await listSpoolFiles(spoolFolder(spoolDir))
  return sendSpoolFiles(files, { ...rest, holdsProcess: true })
}
