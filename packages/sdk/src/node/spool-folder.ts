import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** The absolute path of the spool folder: the one given, else the default. */
export function spoolFolder(given: string | undefined): string {
  const folder = given?.replace(/^~(?=\/|$)/, home) ?? join(home(), '.cache', 'normwatch', 'spool')
  try {
    return resolve(folder) // now, because the program may change its working folder later
  } catch {
    return folder // the working folder was removed
  }
}

/** Where files are written: the spool folder, or its substitute if it cannot be written, as on a read-only file system. */
export function writableFolder(folder: string): string {
  if (isWritable(folder)) return folder
  const own = temporaryFolder()
  return isWritable(own) && isOwn(own) ? substituteOf(folder) : folder
}

/** Where files of a spool folder may be: there, or in its substitute. */
export function foldersOf(folder: string): readonly string[] {
  return isOwn(temporaryFolder()) ? [folder, substituteOf(folder)] : [folder]
}

/** The Python SDK uses the same. */
function substituteOf(folder: string): string {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 8)
  return join(temporaryFolder(), `spool-${name}`)
}

function temporaryFolder(): string {
  return join(tmpdir(), `normwatch-${process.getuid?.() ?? process.env['USERNAME'] ?? 'user'}`)
}

function home(): string {
  try {
    const folder = homedir()
    if (folder !== '') return folder
  } catch {
    // neither a name nor $HOME, as for the user of some containers
  }
  return temporaryFolder()
}

/** Whether files can be created there. Creates the folder, because nothing else shows whether that is possible. */
function isWritable(folder: string): boolean {
  try {
    create(folder)
  } catch {
    // another process may have created it at the same time
  }
  try {
    accessSync(`${folder}/`, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Creates a folder and those above it. The option `recursive` of Node is not used: below /proc it never returns. */
function create(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) create(dirname(folder))
  mkdirSync(folder, { mode: 0o700 })
}

/** Whether a folder belongs to this user or root. Anybody can create one in the temporary folder. */
function isOwn(folder: string): boolean {
  try {
    const { uid } = lstatSync(folder)
    return process.getuid === undefined || uid === process.getuid() || uid === 0
  } catch {
    return false
  }
}
