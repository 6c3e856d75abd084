import { fileURLToPath } from 'node:url'
import { startRun } from './init.ts'
import { listSpoolFiles } from './node/list-spool-files.ts'
import { nodePlatform, spoolFolder } from './node/platform.ts'
import { sendSpoolFiles } from './node/sync.ts'
import type { InitOptions, Run, SyncOptions, SyncReport } from './types.ts'

export { clipByGlobalNorm, clipByValue, globalNorm, type ClippedByValue, type GradientArray } from './clip.ts'
export type * from './types.ts'

const platform = nodePlatform(threadProgram(import.meta.url))

/** The file beside this one that the thread runs; `undefined` in a bundle of the CommonJS kind, which has no address. */
function threadProgram(here: string | undefined): string | undefined {
  if (here === undefined) return undefined
  return fileURLToPath(new URL(`./thread-program${here.slice(here.lastIndexOf('.'))}`, here))
}

/**
 * Starts to record a run and returns at once; the server may be away. Prints the address of the run's page. The process
 * may end without `finish`: what is left is then sent or kept in the spool, and the run's status follows the way it ended.
 * An option that cannot be used is a warning and is left out (`strict`: a `TypeError`).
 */
export function init(options: InitOptions = {}): Run {
  return startRun(options, platform)
}

/** Sends what earlier processes could not send. Never rejects because of the server: see `filesLeft`. */
export async function sync(options: SyncOptions = {}): Promise<SyncReport> {
  const folder = spoolFolder(options.spoolDir ?? process.env['NORMWATCH_SPOOL'])
  return sendSpoolFiles(await listSpoolFiles(folder), {
    url: options.url ?? process.env['NORMWATCH_URL'],
    token: (options.token ?? process.env['NORMWATCH_TOKEN'])?.trim(),
    all: options.all,
    holdsProcess: true,
  })
}
