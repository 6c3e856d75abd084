import type { AddressInfo } from 'node:net'
import { ensureToken } from './first-token.ts'
import { openAlerts } from './alerts/alerts.ts'
import { groupedBy } from './alerts/grouping.ts'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { Ingest } from './ingest/ingest.ts'
import { layout } from './layout.ts'
import { Hub } from './live/hub.ts'
import { findDashboard } from './plugins/dashboard-files.ts'
import { isLoopbackName } from './access/local-only.ts'
import { openSqliteStore } from './storage/sqlite/open.ts'
import { welcome } from './welcome.ts'

/** Milliseconds since 1970 by a clock that nobody sets: readers are told at a pace, whatever happens to the time of day. */
const steadyNow = (): number => performance.timeOrigin + performance.now()

/** A server that listens. */
export interface Server {
  /** What a person should read now. */
  readonly welcome: string
  /** Lets requests under way end, then closes sockets and data. */
  close(): Promise<void>
}

/** Opens the store, puts the service together and listens. Rejects, with everything closed again, when one cannot be. */
export async function serve(config: Config): Promise<Server> {
  const { host, port, data, logLevel, basePath, tlsCert, tlsKey } = config
  const now = Date.now
  const store = await openSqliteStore({
    folder: data,
    alerts: { rules: groupedBy(config.groupSeconds), now },
  })
  const hub = new Hub(steadyNow)
  const ingest = new Ingest(store, hub, now, (error) => app.log.error({ err: error }, 'failed'))
  const access = { operatorToken: config.token, isShared: !isLoopbackName(host), basePath, limits: config }
  const alerts = openAlerts(config, store.deliveries, ingest.explained.bind(ingest), now, {
    error: (fields, sentence) => app.log.error(fields, sentence),
    info: (fields, sentence) => app.log.info(fields, sentence),
  })
  const app = await buildApp(
    { store, hub, ingest, alerts, now },
    {
      access,
      dashboard: findDashboard(layout.dashboard, basePath),
      logger: { level: logLevel, stream: process.stderr },
      trustProxy: config.trustProxy === undefined ? false : [...config.trustProxy],
      tls: tlsCert === undefined ? undefined : { cert: tlsCert, key: tlsKey as string },
    },
  )
  let firstToken: string | undefined
  try {
    firstToken = await ensureToken(store.tokens, { ...access, firstToken: config.firstToken, now: now() })
    await app.listen({ host, port })
  } catch (error) {
    await store.close()
    throw error
  }
  ingest.start(config.retentionDays)
  const { address, family, port: bound } = app.server.address() as AddressInfo
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const name = family === 'IPv6' ? `[${address}]` : address
  const url = `${scheme}://${name}:${bound}${basePath}`
  alerts.start(config.publicUrl ?? url)
  const isOpen = !access.isShared && config.token === undefined && !(await store.tokens.any())
  return {
    welcome: welcome(url, data, { isOpen, firstToken }),
    async close() {
      await ingest.stop()
      hub.close()
      await app.close()
      await alerts.stop()
      await store.close()
    },
  }
}
