import { ConfigError, readConfig, type Config } from '../config.ts'
import { defaultDataFolder } from '../layout.ts'
import { CannotBackUp } from '../storage/sqlite/upkeep/backup.ts'
import { CannotOpenStore } from '../storage/sqlite/engine/store-errors.ts'
import { StoreUnavailable } from '../storage/store.ts'
import { TokenNotFound, TooManyTokens } from '../storage/token-store.ts'
import { Failure } from './failures.ts'

/** The option of verbs that work on the data folder. */
export const DATA_OPTION = [
  '--data <folder>',
  `the data folder (default: NORMWATCH_DATA, else ${defaultDataFolder})`,
] as const

const expected = [CannotBackUp, CannotOpenStore, ConfigError, StoreUnavailable, TokenNotFound, TooManyTokens]

/**
 * Works with the configuration of this environment and the data folder of `--data`. What a person can put right (a
 * folder that cannot be opened, a token that does not exist) is thrown as `Failure`.
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
