import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  checkPair,
  NONE,
  readBasePath,
  readBound,
  readFirstToken,
  readHosts,
  readOrigins,
  readPem,
  readProxies,
  readToken,
  type FirstToken,
} from './access/setting-readers.ts'
import { checkPeople, peopleSettings } from './access/people-settings.ts'
import {
  readAllowedAddresses,
  readGroupSeconds,
  readPublicUrl,
  readSmtpFrom,
  readSmtpUrl,
} from './alerts/setting-readers.ts'
import { defaultDataFolder } from './layout.ts'
import { addressesOf } from './storage/database-addresses.ts'
import type { Retention } from './ingest/retention.ts'

/** The configuration is wrong; the message says what, in one sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

interface Setting<T> {
  readonly default: string
  readonly about: string
  /** Parses a text; throws a message that continues after the setting's name. */
  readonly read: (text: string) => T
  /** A secret cannot be a flag: every user of the machine can see the flags of a process. */
  readonly isSecret?: true
}

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
type LogLevel = (typeof LOG_LEVELS)[number]

/** Every setting there is. `logLevel` is the variable NORMWATCH_LOG_LEVEL and the flag --log-level. */
export const settings = {
  host: {
    default: '127.0.0.1',
    about: 'the address to listen on; all but loopback addresses need a token',
    read: readHost,
  } satisfies Setting<string>,
  port: {
    default: '4280',
    about: 'the port to listen on; 0 takes a free one',
    read: readPort,
  } satisfies Setting<number>,
  socket: {
    default: 'none',
    about: 'a Unix socket to listen on instead of address and port; only its user can connect',
    read: readSocket,
  } satisfies Setting<string | undefined>,
  data: {
    default: defaultDataFolder,
    about: 'the folder for all data; created if missing',
    read: readFolder,
  } satisfies Setting<string>,
  databaseUrl: {
    default: 'none',
    about:
      'a PostgreSQL database that holds all data in place of the folder, as postgres://user:password@host/name',
    read: readDatabaseUrl,
    isSecret: true,
  } satisfies Setting<string | undefined>,
  logLevel: {
    default: 'warn',
    about: `what is logged to standard error: ${LOG_LEVELS.join(', ')}`,
    read: readLogLevel,
  } satisfies Setting<LogLevel>,
  retentionDays: {
    default: 'none',
    about:
      'days after its last point at which a run is removed with all its data, of all projects and of some, as 90,ci=7,paper=0; 0 keeps',
    read: readRetention,
  } satisfies Setting<Retention | undefined>,
  auditDays: {
    default: '365',
    about: 'days after which entries of the audit log are removed; 0 keeps them',
    read: readDays,
  } satisfies Setting<number>,
  token: {
    default: 'none',
    about: 'an admin token, for containers',
    read: readToken,
    isSecret: true,
  } satisfies Setting<string | undefined>,
  firstToken: {
    default: 'refuse',
    about:
      'while there is no token: with an address that others reach, refuse to start or print a new one once; on any address, let in by that in server.json alone (file)',
    read: readFirstToken,
  } satisfies Setting<FirstToken>,
  trustProxy: {
    default: 'none',
    about: 'proxies whose X-Forwarded headers are trusted: addresses, networks, loopback',
    read: readProxies,
  } satisfies Setting<readonly string[] | undefined>,
  basePath: {
    default: '/',
    about: 'the path that a proxy serves everything below',
    read: readBasePath,
  } satisfies Setting<string>,
  allowedOrigins: {
    default: 'none',
    about: 'origins of other sites whose pages may record runs, as http://localhost:5173,https://lab.example',
    read: readOrigins,
  } satisfies Setting<readonly string[]>,
  allowedHosts: {
    default: 'none',
    about:
      'host names by which a proxy reaches a server without tokens, as hub.example; the proxy must authenticate users',
    read: readHosts,
  } satisfies Setting<readonly string[]>,
  embed: {
    default: 'none',
    about: 'origins whose pages may show this server in a frame, as http://localhost:8888',
    read: readOrigins,
  } satisfies Setting<readonly string[]>,
  tlsCert: {
    default: 'none',
    about: 'a PEM file with the certificate chain; with it the server uses TLS',
    read: readPem,
  } satisfies Setting<string | undefined>,
  tlsKey: {
    default: 'none',
    about: "a PEM file with the certificate's key",
    read: readPem,
  } satisfies Setting<string | undefined>,
  maxRequests: {
    default: '200',
    about: 'requests a second of one token; of one address, five times as many',
    read: readBound,
  } satisfies Setting<number>,
  maxPoints: {
    default: '100000',
    about: 'points a second of one run',
    read: readBound,
  } satisfies Setting<number>,
  maxBytes: {
    default: '1048576',
    about: "bytes a second of one token's bodies, unpacked",
    read: readBound,
  } satisfies Setting<number>,
  maxRuns: {
    default: '100000',
    about: 'runs of one project',
    read: readBound,
  } satisfies Setting<number>,
  maxSeries: {
    default: '1000000',
    about: 'metrics and layers of all runs of one project',
    read: readBound,
  } satisfies Setting<number>,
  maxConnections: {
    default: '256',
    about: 'connections of one address, and sockets of one token',
    read: readBound,
  } satisfies Setting<number>,
  ...peopleSettings,
  publicUrl: {
    default: 'none',
    about: 'the address of this server in alerts; defaults to the address listened on',
    read: readPublicUrl,
  } satisfies Setting<string | undefined>,
  groupSeconds: {
    default: '30',
    about: 'seconds within which events of a channel are grouped into one message; 0 sends at once',
    read: readGroupSeconds,
  } satisfies Setting<number>,
  webhookAllow: {
    default: 'none',
    about: 'addresses that channels may call although they are not public, as 10.0.0.0/8,::1',
    read: readAllowedAddresses,
  } satisfies Setting<string>,
  smtpUrl: {
    default: 'none',
    about: 'the server that sends emails, as smtp://user:password@host:587',
    read: readSmtpUrl,
    isSecret: true,
  } satisfies Setting<string | undefined>,
  smtpFrom: {
    default: 'none',
    about: 'the sender of emails',
    read: readSmtpFrom,
  } satisfies Setting<string | undefined>,
}
type Name = keyof typeof settings
export type Config = { readonly [N in Name]: ReturnType<(typeof settings)[N]['read']> }

const names = Object.keys(settings) as Name[]
export const variableOf = (name: Name) => `NORMWATCH_${snake(name).toUpperCase()}`
export const isSecret = (name: Name) => 'isSecret' in settings[name]
export const flagOf = (name: Name) => `--${snake(name).replaceAll('_', '-')}`

/** Variables of the SDKs, of what starts Node and of the tests, which may be set in the same shell. */
const OTHER_VARIABLES = [
  'URL',
  'PROJECT',
  'RUN_ID',
  'RANK',
  'MODE',
  'SPOOL',
  'CAPTURE',
  'NODE',
  'CHROMIUM',
].map((name) => `NORMWATCH_${name}`)

/**
 * What Kubernetes puts into each container of a namespace where a Service is named `normwatch` or `normwatch-…`: its addresses, among
 * them NORMWATCH_PORT=tcp://10.0.0.7:4280. Nobody set them, and they say nothing about this server.
 */
function isServiceLink(variable: string, value = ''): boolean {
  return (
    /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?)$/.test(variable) ||
    (variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  )
}

/** Reads the settings: a flag goes before its variable, and that before the default. `help`: they were asked for. */
export function readConfig(
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config | 'help' {
  const given = readFlags(flags)
  if (given === 'help') return given
  const variables = Object.fromEntries(
    Object.entries(environment).filter(
      ([name, value]) => name.startsWith('NORMWATCH_') && !isServiceLink(name, value),
    ),
  )
  for (const variable of Object.keys(variables)) {
    const isKnown = names.some((name) => variableOf(name) === variable) || OTHER_VARIABLES.includes(variable)
    if (!isKnown) {
      throw new ConfigError(`There is no setting ${variable}; --help lists all of them.`)
    }
  }
  const config = Object.fromEntries(
    names.map((name) => {
      const flag = given[flagOf(name).slice(2)]
      const variable = variables[variableOf(name)]
      const source =
        flag !== undefined || (variable === undefined && !isSecret(name)) ? flagOf(name) : variableOf(name)
      return [name, readSetting(name, flag ?? variable ?? settings[name].default, source)]
    }),
  ) as unknown as Config
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined)) {
    throw new ConfigError('NORMWATCH_TLS_CERT and NORMWATCH_TLS_KEY belong together: give both, or neither.')
  }
  if (config.tlsCert !== undefined && config.tlsKey !== undefined) checkTls(config.tlsCert, config.tlsKey)
  if ((config.smtpUrl === undefined) !== (config.smtpFrom === undefined)) {
    throw new ConfigError(
      'NORMWATCH_SMTP_URL and NORMWATCH_SMTP_FROM belong together: give both, or neither.',
    )
  }
  try {
    checkPeople(config)
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
  return config
}

/** What `--help` prints. */
export function helpText(): string {
  const lines = names.flatMap((name) => [
    `  ${isSecret(name) ? '' : `${flagOf(name)}, `}${variableOf(name)} (default ${settings[name].default})`,
    ...(`${settings[name].about}.`.match(/\S(?:.{0,71}\S)?(?=\s|$)/g) ?? []).map((line) => `      ${line}`),
  ])
  return [
    'Normwatch watches gradient norms while models train.',
    '',
    'Settings, as flags or variables:',
    ...lines,
  ].join('\n')
}

function readFlags(flags: readonly string[]): Readonly<Record<string, string>> | 'help' {
  const options = Object.fromEntries(
    names
      .filter((name) => !isSecret(name))
      .map((name) => [flagOf(name).slice(2), { type: 'string' as const }]),
  )
  try {
    const { values } = parseArgs({ args: [...flags], options: { ...options, help: { type: 'boolean' } } })
    return 'help' in values ? 'help' : (values as Record<string, string>)
  } catch (error) {
    throw new ConfigError(`${(error as Error).message.split('. ')[0]}; --help lists all flags.`)
  }
}

function checkTls(cert: string, key: string): void {
  try {
    checkPair(cert, key)
  } catch (error) {
    throw new ConfigError(`NORMWATCH_TLS_CERT and NORMWATCH_TLS_KEY ${(error as Error).message}`)
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
  if (!/^[A-Za-z0-9.:_-]+$/.test(text))
    throw new Error(`is "${text}"; it must be an address or a host's name.`)
  return text
}

function readPort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new Error(`is "${text}"; it must be a port from 0 to 65535.`)
  return port
}

/**
 * Reads a setting such as `90,ci=7,paper=0`: days for all projects, and for those named; 0 keeps for ever. `undefined`:
 * everything is kept. Throws a message that continues after the setting's name.
 */
function readRetention(text: string): Retention | undefined {
  if (text === NONE) return undefined
  let days: number | undefined
  const projects = new Map<string, number>()
  for (const part of text.split(',').map((part) => part.trim())) {
    const [, project, digits] = /^(?:([^/]+)=)?(\d{1,5})$/.exec(part) ?? []
    if (digits === undefined) {
      throw new Error(
        `has "${part}"; it must be days from 0 to 99999, also of single projects, as in 90,ci=7,paper=0, or none.`,
      )
    }
    if (project === undefined ? days !== undefined : projects.has(project)) {
      throw new Error(
        `says twice how long ${project === undefined ? 'runs' : `those of "${project}"`} are kept.`,
      )
    }
    if (project === undefined) days = Number(digits)
    else projects.set(project, Number(digits))
  }
  return { days: days ?? 0, projects }
}

function readDays(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new Error(`is "${text}"; it must be days from 0 to 99999.`)
  return Number(text)
}

/** The most bytes that every system takes for the path of a socket. */
const MAX_SOCKET_PATH = 103

function readSocket(text: string): string | undefined {
  if (text === NONE) return undefined
  if (process.platform === 'win32') throw new Error('is for Linux and macOS; name an address and a port.')
  const path = resolve(text)
  if (text === '' || Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw new Error(`is "${text}"; it must be a path of at most ${MAX_SOCKET_PATH} bytes.`)
  }
  return path
}

/** Reads the address of a database; throws a message that continues after the setting's name and never holds the address. */
export function readDatabaseUrl(text: string): string | undefined {
  if (text === NONE) return undefined
  const isAddress = (address: string) => {
    const url = URL.parse(address.replace('@/', '@socket/'))
    return url !== null && ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1
  }
  if (!addressesOf(text).every(isAddress)) {
    throw new Error('is no address of a database: it must be like postgres://user:password@host/name.')
  }
  return text
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
