import { ConfigError, readConfig } from '../config.ts'
import type { Config } from '../settings.ts'
import { defaultDataFolder } from '../layout.ts'
import { CannotBackUp } from '../storage/sqlite/upkeep/backup.ts'
import { CannotOpenDatabase } from '../storage/postgres/errors.ts'
import { CannotOpenStore } from '../storage/sqlite/engine/store-errors.ts'
import { openTokensFile } from '../storage/sqlite/open-tokens-file.ts'
import { StoreUnavailable } from '../storage/store.ts'
import { CannotMove } from '../storage/whole-data.ts'
import type { AuditRecord, AuditStore } from '../storage/audit-store.ts'
import { TokenNotFound, TooManyTokens, type TokenStore } from '../storage/token-store.ts'
import { Failure } from './failures.ts'

/** The option of verbs that work on the data folder. */
export const DATA_OPTION = [
  '--data <folder>',
  `the data folder (default: NORMWATCH_DATA, else ${defaultDataFolder})`,
] as const

const expected = [
  CannotBackUp,
  CannotMove,
  CannotOpenStore,
  CannotOpenDatabase,
  ConfigError,
  StoreUnavailable,
  TokenNotFound,
  TooManyTokens,
]

/**
 * Works with the configuration of this environment and the data folder of `--data`. Errors that the user can fix (a
 * folder that cannot be opened, a token that does not exist) are thrown as `Failure`.
 */
export async function withDataFolder<T>(
  data: string | undefined,
  work: (config: Config) => T | Promise<T>,
): Promise<T> {
  try {
    return await work(readConfig(data === undefined ? [] : ['--data', data], process.env) as Config)
  } catch (error) {
    if (expected.some((kind) => error instanceof kind)) throw new Failure((error as Error).message)
    throw error
  }
}

/** Throws a `Failure` where the data is in a database: `instead` names the alternative. */
export function refuseDatabase({ databaseUrl }: Config, instead: string): void {
  if (databaseUrl === undefined) return
  throw new Failure(`The data is in the database that NORMWATCH_DATABASE_URL names: ${instead}`)
}

/** The tokens and the audit log of the data folder or the database, also while a server uses it. */
export async function openTokens({
  databaseUrl,
  data,
}: Config): Promise<{ tokens: TokenStore; audit: AuditStore; close: () => Promise<void> }> {
  if (databaseUrl === undefined) return openTokensFile(data)
  const { openTokensOf } = await import('../storage/postgres/open.ts')
  return openTokensOf(databaseUrl)
}

/** Records in the audit log what was done by the command line. */
export async function recordHere(
  audit: AuditStore,
  record: Omit<AuditRecord, 'at' | 'actor_id' | 'actor' | 'address'>,
): Promise<void> {
  await audit.record({ ...record, at: Date.now(), actor_id: null, actor: 'command line', address: null })
}
