import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isLoopbackName } from './plugins/local-only.ts'

/** The configuration is wrong; the message says what, in one sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

interface Setting<T> {
  readonly default: string
  readonly about: string
  /** The value of a text; throws a sentence that begins after the setting's name. */
  readonly read: (text: string) => T
}

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
type LogLevel = (typeof LOG_LEVELS)[number]

/** Every setting there is. `logLevel` is the variable NORMWATCH_LOG_LEVEL and the flag --log-level. */
export const settings = {
  host: {
    default: '127.0.0.1',
    about: 'the address to listen on; only loopback addresses, because there are no tokens yet',
    read: readHost,
  } satisfies Setting<string>,
  port: {
    default: '4280',
    about: 'the port to listen on; 0 takes a free one',
    read: readPort,
  } satisfies Setting<number>,
  data: {
    default: './data',
    about: 'the folder that holds all data; created when it is missing',
    read: readFolder,
  } satisfies Setting<string>,
  logLevel: {
    default: 'warn',
    about: `what is logged to standard error: ${LOG_LEVELS.join(', ')}`,
    read: readLogLevel,
  } satisfies Setting<LogLevel>,
}
type Name = keyof typeof settings
export type Config = { readonly [N in Name]: ReturnType<(typeof settings)[N]['read']> }

const names = Object.keys(settings) as Name[]
export const variableOf = (name: Name) => `NORMWATCH_${snake(name).toUpperCase()}`
export const flagOf = (name: Name) => `--${snake(name).replaceAll('_', '-')}`

/** Variables of the SDKs and of the tests, which may be set in the same shell. */
const FOREIGN = ['URL', 'TOKEN', 'PROJECT', 'RUN_ID', 'MODE', 'SPOOL', 'CHROMIUM'].map(
  (name) => `NORMWATCH_${name}`,
)

/** Reads the settings: a flag goes before its variable, and that before the default. `help`: they were asked for. */
export function readConfig(
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config | 'help' {
  const given = readFlags(flags)
  if (given === 'help') return given
  for (const variable of Object.keys(environment)) {
    const isKnown = names.some((name) => variableOf(name) === variable) || FOREIGN.includes(variable)
    if (variable.startsWith('NORMWATCH_') && !isKnown) {
      throw new ConfigError(`There is no setting ${variable}; --help lists all of them.`)
    }
  }
  return Object.fromEntries(
    names.map((name) => {
      const flag = given[flagOf(name).slice(2)]
      const variable = environment[variableOf(name)]
      const source = flag !== undefined || variable === undefined ? flagOf(name) : variableOf(name)
      return [name, readSetting(name, flag ?? variable ?? settings[name].default, source)]
    }),
  ) as unknown as Config
}

/** What `--help` prints. */
export function helpText(): string {
  const lines = names.map(
    (name) =>
      `  ${flagOf(name).padEnd(12)} ${variableOf(name).padEnd(20)} ${settings[name].about} (default ${settings[name].default})`,
  )
  return [
    'Normwatch watches gradient norms while models train.',
    '',
    'Settings, as flags or variables:',
    ...lines,
  ].join('\n')
}

function readFlags(flags: readonly string[]): Readonly<Record<string, string>> | 'help' {
  const options = Object.fromEntries(
    names.map((name) => [flagOf(name).slice(2), { type: 'string' as const }]),
  )
  try {
    const { values } = parseArgs({ args: [...flags], options: { ...options, help: { type: 'boolean' } } })
    return 'help' in values ? 'help' : (values as Record<string, string>)
  } catch (error) {
    throw new ConfigError(`${(error as Error).message.split('. ')[0]}; --help lists all flags.`)
  }
}

function readSetting(name: Name, text: string, source: string): unknown {
  try {
    return settings[name].read(text)
  } catch (error) {
    throw new ConfigError(`${source} ${(error as Error).message}`)
  }
}

function readHost(text: string): string {
  if (!isLoopbackName(text)) {
    throw new Error(
      `is "${text}", which other machines may reach: without tokens the server listens on 127.0.0.1, ::1 or localhost only.`,
    )
  }
  return text
}

function readPort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new Error(`is "${text}"; it must be a port from 0 to 65535.`)
  return port
}

function readFolder(text: string): string {
  if (text === '') throw new Error('is empty; it must name a folder.')
  return resolve(text)
}

function readLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text)
  if (level === undefined) throw new Error(`is "${text}"; it must be one of ${LOG_LEVELS.join(', ')}.`)
  return level
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
