import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TokenStore } from '../token-store.ts'
import { CannotOpenStore, asUnavailable } from './engine/store-errors.ts'
import { FILE } from './engine/data-folder.ts'
import { openSqliteStore } from './open.ts'
import { openTokens } from './tokens/tokens.ts'
import { openDatabase } from './engine/database.ts'

/** How long the command line waits for the server to end what it is writing. */
const WAIT_MS = 10_000

/**
 * Opens the tokens of a data folder, also while a server holds it: tokens are the one thing that two processes may change.
 * A folder that no server has used yet is made. Rejects with `CannotOpenStore`.
 */
export async function openTokensFile(
  folder: string,
): Promise<{ tokens: TokenStore; close: () => Promise<void> }> {
  try {
    const { tokens, close } = await openSqliteStore({ folder })
    return { tokens, close }
  } catch (error) {
    const file = join(folder, FILE)
    if (!(error instanceof CannotOpenStore && error.isInUse && existsSync(file))) throw error
    const db = openDatabase(file, { timeout: WAIT_MS })
    db.pragma('synchronous = full')
    const read = <T>(work: () => T): T => {
      try {
        return work()
      } catch (cause) {
        throw asUnavailable(cause)
      }
    }
    const write = async <T>(work: () => T): Promise<T> => read(() => db.transaction(work).immediate())
    const tokens = openTokens(db, { read, write })
    return { tokens, close: async () => void db.close() }
  }
}
