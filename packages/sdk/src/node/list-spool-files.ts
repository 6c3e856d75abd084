import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readdir, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isHead, parseLine, readHead } from './read-spool-file.ts'
import { foldersOf } from './spool-folder.ts'
import { isWritten, markUnused } from './writers.ts'

const SPOOL_ENDING = '.ndjson'
export const REFUSED_ENDING = '.refused.ndjson'

/** A run on a server, to select its spool files. */
export interface RunThere {
  readonly url: string
  readonly run: string
}

/**
 * Files of a spool folder and of its substitute, least recently written first, without refused files. Empty if neither exists.
 */
export async function listSpoolFiles(folder: string): Promise<string[]> {
  const found: { path: string; mtimeMs: number }[] = []
  for (const where of foldersOf(folder)) {
    for (const name of spoolFilesAmong(await readdir(where).catch(() => []))) {
      const path = join(where, name)
      const file = await stat(path).catch(() => undefined) // another process may have sent it by now
      if (file !== undefined) found.push({ path, mtimeMs: file.mtimeMs })
    }
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
      // another process has sent it by now, or it cannot be read: a sync reports that
    }
  }
  return found
}

/**
 * Claims a file whose writer has ended by renaming it, so that no other process sends it too.
 * Returns its new path. Rejects with `ENOENT` if another process claimed it first.
 */
export async function takeOver(path: string, run: string): Promise<string> {
  const own = spoolPath(dirname(path), run)
  await rename(path, own)
  markUnused(own) // its writer has ended, even if it was a thread of this process
  return own
}

/** The path of a new file. */
export function spoolPath(folder: string, run: string): string {
  return join(folder, `${run}.${randomBytes(6).toString('hex')}${SPOOL_ENDING}`)
}

/** The highest step in the spool files of a run, -1 if there is none. Synchronous. Throws if a file cannot be read. */
export function lastSpooledStep(folder: string, { url, run }: RunThere): number {
  let last = -1
  const paths = foldersOf(folder)
    .filter((where) => existsSync(where))
    .flatMap((where) => spoolFilesAmong(readdirSync(where)).map((name) => join(where, name)))
  for (const path of paths) {
    if (!basename(path).startsWith(`${run}.`)) continue
    const [head, ...items] = readFileSync(path, 'utf8').split('\n').map(parseLine)
    if (!isHead(head) || head.run !== run || head.url !== url) continue
    for (const item of items) {
      if (item === undefined || !('columns' in item)) continue
      for (const step of item.columns['step'] ?? []) last = Math.max(last, Number(step))
    }
  }
  return last
}

function spoolFilesAmong(names: string[]): string[] {
  return names.filter((name) => name.endsWith(SPOOL_ENDING) && !name.endsWith(REFUSED_ENDING)).sort()
}
