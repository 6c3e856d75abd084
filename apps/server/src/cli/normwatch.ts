/** `npm run normwatch -- …`: what an operator does beside the running server. */
import { ConfigError } from '../config.ts'
import { CannotBackUp } from '../storage/sqlite/engine/backup.ts'
import { CannotOpenStore } from '../storage/sqlite/engine/store-errors.ts'
import { StoreUnavailable } from '../storage/store.ts'
import { TokenNotFound, TooManyTokens } from '../storage/token-store.ts'
import { backupCommand } from './backup.ts'
import { doctorCommand } from './doctor.ts'
import { healthCommand } from './health.ts'
import { tokenCommand } from './token.ts'
import { UsageError } from './usage-error.ts'

const HELP = `normwatch token create --name NAME --scope write|read|admin [--project P] [--expires 90d]
normwatch token list
normwatch token revoke ID
normwatch token new-secret     a secret for NORMWATCH_TOKEN; nothing is stored
normwatch backup FILE          copies the data, also while a server runs on it
normwatch doctor               looks at the data folder: integrity, space, clock, channels
normwatch health               asks the server on this machine whether it answers

--data FOLDER or NORMWATCH_DATA names the data folder (default ./data).`

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  token: tokenCommand,
  backup: backupCommand,
  doctor: doctorCommand,
  health: healthCommand,
}
/** Errors whose message is all that a person needs. */
const plain = [
  CannotBackUp,
  CannotOpenStore,
  ConfigError,
  StoreUnavailable,
  TokenNotFound,
  TooManyTokens,
  UsageError,
]

const [name = '--help', ...args] = process.argv.slice(2)
try {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command !== undefined) process.exitCode = await command(args)
  else if (name === '--help' || name === 'help') console.log(HELP)
  else throw new UsageError(`There is no command "${name}".\n\n${HELP}`)
} catch (error) {
  if (!plain.some((known) => error instanceof known)) throw error
  console.error((error as Error).message)
  process.exitCode = 1
}
