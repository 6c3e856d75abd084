import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { hasTokenForm, newTokenSecret } from './access/identity/secret.ts'

/** The content of `server.json`: how programs of the same user find and access the server of this data folder. */
interface Content {
  readonly version: 1
  /** Accepted as an admin token: whoever reads this file can read the data themselves. The same after each start. */
  readonly token: string
  /** `http://127.0.0.1:4280` or `unix:/path`. Left out, as all below, while no server runs. */
  readonly url?: string
  readonly host?: string
  readonly pid?: number
}

/**
 * The file `server.json` in the data folder, for its user alone. The SDKs and the command read it, so that they reach
 * this user's server wherever it listens, and no other user's.
 */
export class ServerFile {
  readonly token: string
  readonly #path: string

  constructor(folder: string) {
    this.#path = join(folder, 'server.json')
    this.token = readToken(this.#path) ?? newTokenSecret()
  }

  /** Says where the server listens from now on. */
  announce(url: string): void {
    this.#write({ version: 1, token: this.token, url, host: hostname(), pid: process.pid })
  }

  /** Says that no server runs. */
  withdraw(): void {
    this.#write({ version: 1, token: this.token })
  }

  /** Atomic: nobody reads a partial file, and a symbolic link is replaced, not followed. */
  #write(content: Content): void {
    const draft = `${this.#path}.${process.pid}`
    rmSync(draft, { force: true })
    writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, this.#path)
  }
}

/** The token of the last start, which running trainings still send. It is not reused if others could have read it. */
function readToken(path: string): string | undefined {
  try {
    const found = lstatSync(path)
    const isPrivate = process.platform === 'win32' || (found.mode & 0o077) === 0
    const isOwn = process.getuid === undefined || found.uid === process.getuid()
    if (!found.isFile() || !isPrivate || !isOwn) return undefined
    const { token } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Content>
    return typeof token === 'string' && hasTokenForm(token) ? token : undefined
  } catch {
    return undefined
  }
}
