import { resolve } from 'node:path'
import {
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
import { peopleSettings } from './access/people-settings.ts'
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
export type SettingName = keyof typeof settings
export type Config = { readonly [N in SettingName]: ReturnType<(typeof settings)[N]['read']> }

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
