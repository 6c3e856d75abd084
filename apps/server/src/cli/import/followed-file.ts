import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { headOf, identityOf } from '@normwatch/importers'

/** Files of one log that are remembered; logs are rotated a few times, not a thousand. */
const MAX_FILES = 1000

interface Remembered {
  readonly path: string
  /** What tells the log apart, from the first of its files. */
  readonly identity: string
  /** The inodes of its files, the oldest first. */
  readonly inodes: readonly number[]
}

/**
 * A log that is followed, with the files that it was rotated into. It is remembered in `$XDG_STATE_HOME/normwatch/followed`
 * (`~/.local/state` where that is not set), so that a follower which is started again goes on with the same run.
 */
export class FollowedFile {
  readonly path: string
  readonly identity: string
  /** Paths of the files that it was rotated into and that are still there, the oldest first. */
  readonly before: readonly string[]
  readonly #memory: string
  #inodes: readonly number[]

  private constructor(
    path: string,
    identity: string,
    before: readonly string[],
    inodes: readonly number[],
    memory: string,
  ) {
    this.path = path
    this.identity = identity
    this.before = before
    this.#inodes = inodes
    this.#memory = memory
  }

  static async at(path: string): Promise<FollowedFile> {
    const memory = join(folder(), `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`)
    const identity = await currentIdentity(path)
    const remembered = await read(memory, path)
    const siblings = await siblingsOf(path)
    const before = (remembered?.inodes ?? []).flatMap((inode) => siblings.get(inode) ?? [])
    const isSame = remembered !== undefined && (before.length > 0 || remembered.identity === identity)
    const file = isSame
      ? new FollowedFile(path, remembered.identity, before, remembered.inodes, memory)
      : new FollowedFile(path, identity, [], [], memory)
    await file.goesOnWith((await stat(path)).ino)
    return file
  }

  /** The inodes of its files, the oldest first. */
  get inodes(): readonly number[] {
    return this.#inodes
  }

  /** Remembers that the log goes on in a file with this inode. */
  async goesOnWith(inode: number): Promise<void> {
    this.#inodes = [...this.#inodes.filter((known) => known !== inode), inode].slice(-MAX_FILES)
    const state: Remembered = { path: this.path, identity: this.identity, inodes: this.#inodes }
    // a folder that cannot be written costs only what would be remembered
    try {
      await mkdir(dirname(this.#memory), { recursive: true })
      await writeFile(`${this.#memory}.${process.pid}`, JSON.stringify(state))
      await rename(`${this.#memory}.${process.pid}`, this.#memory)
    } catch (error) {
      console.error(`What is followed is not remembered: ${(error as Error).message}`)
    }
  }
}

function folder(): string {
  const home = process.env['XDG_STATE_HOME'] || join(homedir(), '.local/state')
  return join(home, 'normwatch/followed')
}

async function read(memory: string, path: string): Promise<Remembered | undefined> {
  try {
    const state = JSON.parse(await readFile(memory, 'utf8')) as Partial<Remembered>
    const { identity, inodes } = state
    const isWhole = state.path === path && typeof identity === 'string' && Array.isArray(inodes)
    return isWhole ? { path, identity, inodes: inodes.filter(Number.isSafeInteger) } : undefined
  } catch {
    return undefined
  }
}

/** Files beside a log whose names begin with its own, by inode. */
async function siblingsOf(path: string): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    if (!name.startsWith(basename(path)) || name === basename(path)) continue
    const sibling = join(dirname(path), name)
    const about = await stat(sibling).catch(() => undefined)
    if (about?.isFile()) found.set(about.ino, sibling)
  }
  return found
}

async function currentIdentity(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0)
    return identityOf(path, headOf(buffer.subarray(0, bytesRead)))
  } finally {
    await file.close()
  }
}
