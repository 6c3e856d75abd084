import { isText, readOptions, type Rules } from '../options.ts'
import { isServerAddress } from '../server-address.ts'
import type { SyncOptions } from '../types.ts'

const isAddress = (value: unknown) => isServerAddress(typeof value === 'string' ? value.trim() : value)
const RULES: Rules<SyncOptions> = {
  url: [
    isAddress,
    'must be an http or https address without a password, a query or a fragment, or unix:/path',
  ],
  token: [isText(1, 512), 'must be a text of at most 512 characters'],
  spoolDir: [isText(1, 4_096), 'must be the path of a folder'],
  all: [(value) => typeof value === 'boolean', 'must be true or false'],
}
const VARIABLES = { url: 'NORMWATCH_URL', token: 'NORMWATCH_TOKEN', spoolDir: 'NORMWATCH_SPOOL' } as const

/**
 * Options of a sync, then the environment. Throws `TypeError` for one that is invalid: with another address or folder, readings
 * would go where they were not meant to, or stay.
 */
export function readSyncOptions(given: SyncOptions, env: NodeJS.ProcessEnv): SyncOptions {
  const options = readOptions(given, RULES, refuse)
  const read: Record<string, unknown> = { ...options }
  for (const [option, variable] of Object.entries(VARIABLES)) {
    const value = env[variable]?.trim()
    if (read[option] !== undefined || value === undefined || value === '') continue
    const [isValid, reason] = RULES[option as keyof SyncOptions]
    if (!isValid(value)) refuse(variable, reason)
    read[option] = value
  }
  const { url, token, spoolDir, all } = read as SyncOptions
  return { url: url?.trim(), token: token?.trim(), spoolDir, all }
}

function refuse(option: string, reason: string): never {
  throw new TypeError(`normwatch: sync: ${option} ${reason}`)
}
