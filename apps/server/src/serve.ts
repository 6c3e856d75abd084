import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import type { FastifyServerOptions } from 'fastify'
import { ensureToken } from './first-token.ts'
import { openAlerts } from './alerts/alerts.ts'
import { groupedBy } from './alerts/grouping.ts'
import { Audit } from './audit/audit.ts'
import { keepAudit } from './audit/keep-audit.ts'
import { buildApp } from './app.ts'
import type { Config } from './settings.ts'
import { Ingest } from './ingest/ingest.ts'
import { layout } from './layout.ts'
import { Hub } from './live/hub.ts'
import { findDashboard } from './plugins/dashboard-files.ts'
import { isLoopbackName } from './access/local-only.ts'
import { peopleOptionsOf } from './access/people-settings.ts'
import { ServerFile } from './server-file.ts'
import type { AlertOptions } from './storage/alert-store.ts'
import { openSqliteStore } from './storage/sqlite/open.ts'
import type { Store } from './storage/store.ts'
import { clearSocket, closeToOthers } from './unix-socket.ts'
import { welcome } from './welcome.ts'

/** Milliseconds since 1970 by a monotonic clock: the pace of live frames must not depend on changes of the system time. */
const steadyNow = (): number => performance.timeOrigin + performance.now()

/** A server that listens. */
export interface Server {
  /** Messages for the operator. */
  readonly welcome: string
  /** Lets requests under way end, then closes sockets and data. */
  close(): Promise<void>
}

/** Opens the store, puts the service together and listens. Rejects, with everything closed again, when one cannot be. */
export async function serve(config: Config): Promise<Server> {
  const { host, port, socket, data, logLevel, basePath, tlsCert, tlsKey } = config
  const store = await openStore(config, { rules: groupedBy(config.groupSeconds) })
  const { now } = store
  const hub = new Hub(steadyNow, store.changes)
  const ingest = new Ingest(store, hub, now, (error) => app.log.error({ err: error }, 'failed'))
  const serverFile = new ServerFile(data)
  const access = {
    operatorToken: config.token,
    localToken: serverFile.token,
    isShared: socket === undefined && !isLoopbackName(host),
    isPrivate: socket === undefined && config.firstToken === 'file',
    basePath,
    allowedOrigins: config.allowedOrigins,
    allowedHosts: config.allowedHosts,
    people: peopleOptionsOf(config),
    limits: config,
  }
  const alerts = openAlerts(config, store, ingest.explained.bind(ingest), now, {
    error: (fields, sentence) => app.log.error(fields, sentence),
    info: (fields, sentence) => app.log.info(fields, sentence),
  })
  const audit = new Audit(store.audit, now)
  const app = await buildApp(
    { store, hub, ingest, alerts, audit, now },
    {
      access,
      embed: config.embed,
      retention: config.retentionDays,
      dashboard: findDashboard(layout.dashboard, basePath),
      logger: { level: logLevel, stream: process.stderr },
      trustProxy: trustedProxies(config),
      tls: tlsCert === undefined ? undefined : { cert: tlsCert, key: tlsKey as string },
    },
  )
  let firstToken: string | undefined
  try {
    firstToken = await ensureToken(store.tokens, {
      ...access,
      hasPeople: access.people !== undefined,
      firstToken: config.firstToken,
      now: now(),
    })
    if (socket === undefined) await app.listen({ host, port })
    else {
      await clearSocket(socket)
      await app.listen({ path: socket })
      closeToOthers(socket)
    }
  } catch (error) {
    await store.close()
    throw error
  }
  ingest.start(config.retentionDays)
  const stopAudit = keepAudit(store.audit, audit, config.auditDays, now, (error) =>
    app.log.error({ err: error }, 'failed'),
  )
  const url = addressOf(app.server.address() as AddressInfo | string, config)
  alerts.start(config.publicUrl ?? url)
  const tell = (change: () => void) => {
    try {
      change()
    } catch (error) {
      app.log.warn({ err: error }, 'server.json cannot be written')
    }
  }
  tell(() => serverFile.announce(forOthers(url, config)))
  const asksForToken =
    access.isShared || access.isPrivate || config.token !== undefined || access.people !== undefined
  const isOpen = !asksForToken && !(await store.tokens.any())
  return {
    welcome: welcome(url, placeOfData(config), { isOpen, firstToken }),
    async close() {
      await ingest.stop()
      hub.close()
      await app.close()
      tell(() => serverFile.withdraw())
      await alerts.stop()
      await stopAudit()
      await store.close()
    },
  }
}

async function openStore({ databaseUrl, data }: Config, alerts: AlertOptions): Promise<Store> {
  if (databaseUrl === undefined) return openSqliteStore({ folder: data, alerts })
  // for server.json alone
  mkdirSync(data, { recursive: true, mode: 0o700 })
  // loaded only if used: servers on SQLite need no memory for it
  const { openPostgresStore } = await import('./storage/postgres/open.ts')
  return openPostgresStore({ url: databaseUrl, alerts })
}

/** Where the data is, without any password. */
function placeOfData({ databaseUrl, data }: Config): string {
  if (databaseUrl === undefined) return data
  const [, host, name] =
    /@([^/]*)\/([^?]*)/.exec(databaseUrl) ?? /\/\/([^/]*)\/([^?]*)/.exec(databaseUrl) ?? []
  return `the PostgreSQL database ${name ?? ''}${host === undefined || host === '' ? '' : ` on ${host}`}`
}

function addressOf(bound: AddressInfo | string, { tlsCert, basePath }: Config): string {
  if (typeof bound === 'string') return `unix:${bound}`
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return `${scheme}://${name}:${bound.port}${basePath}`
}

/** The address as other machines reach it too, where they can. A certificate may name only the public one. */
function forOthers(url: string, { publicUrl, tlsCert }: Config): string {
  if (tlsCert !== undefined && publicUrl !== undefined) return publicUrl
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, `//${hostname()}`)
}

/** Clients of a Unix socket have no address: if proxies are configured, the client is one of them. */
function trustedProxies({ trustProxy, socket }: Config): NonNullable<FastifyServerOptions['trustProxy']> {
  if (trustProxy === undefined) return false
  return socket === undefined ? [...trustProxy] : (_address, hop) => hop === 0
}
