import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditStore } from '../audit-store.ts'
import type { TokenStore } from '../token-store.ts'
import { openAudit } from './audit/audit.ts'
import { CannotOpenStore, asUnavailable } from './engine/store-errors.ts'
import { FILE } from './engine/data-folder.ts'
import { openSqliteStore } from './open.ts'
import { openTokens } from './tokens/tokens.ts'
import { openDatabase } from './engine/database.ts'

/** How long the command line waits for the server to end what it is writing. */
const WAIT_MS = 10_000

/**
 * Opens the tokens and the audit log of a data folder, also while a server holds it: they are what two processes may change.
 * A folder that no server has used yet is made. Rejects with `CannotOpenStore`.
 */
export async function openTokensFile(
  folder: string,
): Promise<{ tokens: TokenStore; audit: AuditStore; close: () => Promise<void> }> {
  try {
    const { tokens, audit, close } = await openSqliteStore({ folder })
    return { tokens, audit, close }
  } catch (error) {
    const file = join(folder, FILE)
    if (!(error instanceof CannotOpenStore && error.isInUse && existsSync(file))) throw error
    const { db, access, close } = openBeside(file)
    return { tokens: openTokens(db, access), audit: openAudit(db, access), close }
  }
}

/**
 * Opens the audit log of a data folder as it is, without a migration, also while a server holds it. `undefined` where
 * there is none: no data, or data of an older version.
 */
export function openAuditFile(
  folder: string,
): { readonly audit: AuditStore; readonly close: () => Promise<void> } | undefined {
  const file = join(folder, FILE)
  if (!existsSync(file)) return undefined
  const { db, access, close } = openBeside(file)
  const isThere = db.prepare("select 1 from sqlite_master where name = 'audit'").get() !== undefined
  if (isThere) return { audit: openAudit(db, access), close }
  db.close()
  return undefined
}

/** The file, which a server may write to at the same time. */
function openBeside(file: string) {
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
  return { db, access: { read, write }, close: async () => void db.close() }
}
