import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isHead, parseLine, readHead } from './read-spool-file.ts'
import { isWritten } from './writers.ts'

const SPOOL_ENDING = '.ndjson'
export const REFUSED_ENDING = '.refused.ndjson'

/** A run on a server: whose files are meant. */
export interface RunThere {
  readonly url: string
  readonly run: string
}

/** Spool files in a folder, those written to the longest ago first; refused ones not counted. None where there is no such folder. */
export async function listSpoolFiles(folder: string): Promise<string[]> {
  const found: { path: string; mtimeMs: number }[] = []
  for (const name of spoolFilesAmong(await readdir(folder).catch(() => []))) {
    const path = join(folder, name)
    const file = await stat(path).catch(() => undefined) // somebody may have sent it meanwhile
    if (file !== undefined) found.push({ path, mtimeMs: file.mtimeMs })
  }
  return found.sort((a, b) => a.mtimeMs - b.mtimeMs).map(({ path }) => path)
}

/** The files of a run, oldest first, whose writers have ended. */
export async function listLeftovers(folder: string, { url, run }: RunThere): Promise<string[]> {
  const found: string[] = []
  for (const path of await listSpoolFiles(folder)) {
    try {
      const head = await readHead(path)
      if (head?.run === run && head.url === url && !(await isWritten(path, head))) found.push(path)
    } catch {
      // somebody has sent it meanwhile, or it cannot be read: a sync says so
    }
  }
  return found
}

/**
 * Takes a file whose writer has ended, by a new name: whoever else has seen it finds it gone and does not send it too.
 * Returns its new path. Rejects with the code `ENOENT` where somebody was quicker.
 */
export async function takeOver(path: string, run: string): Promise<string> {
  const own = spoolPath(dirname(path), run)
  await rename(path, own)
  return own
}

/** The path of a new file. */
export function spoolPath(folder: string, run: string): string {
  return join(folder, `${run}.${randomBytes(6).toString('hex')}${SPOOL_ENDING}`)
}

/** The highest step in the files of a run, -1 without one. Reads them before it returns. Throws where it cannot. */
export function lastSpooledStep(folder: string, { url, run }: RunThere): number {
  let last = -1
  if (!existsSync(folder)) return last
  for (const name of spoolFilesAmong(readdirSync(folder))) {
    if (!name.startsWith(`${run}.`)) continue
    const [head, ...parcels] = readFileSync(join(folder, name), 'utf8').split('\n').map(parseLine)
    if (!isHead(head) || head.run !== run || head.url !== url) continue
    for (const parcel of parcels) {
      if (parcel === undefined || !('columns' in parcel)) continue
      for (const step of parcel.columns['step'] ?? []) last = Math.max(last, Number(step))
    }
  }
  return last
}

function spoolFilesAmong(names: string[]): string[] {
  return names.filter((name) => name.endsWith(SPOOL_ENDING) && !name.endsWith(REFUSED_ENDING)).sort()
}
