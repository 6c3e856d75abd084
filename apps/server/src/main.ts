/** The process: config, store, build, listen, close. */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ensureToken } from './access/first-token.ts'
import { openAlerts } from './alerts/alerts.ts'
import { groupedBy } from './alerts/grouping.ts'
import { buildApp } from './app.ts'
import { ConfigError, helpText, readConfig, type Config } from './config.ts'
import { Ingest } from './ingest/ingest.ts'
import { Hub } from './live/hub.ts'
import { findDashboard } from './plugins/dashboard-files.ts'
import { isLoopbackName } from './plugins/local-only.ts'
import { CannotOpenStore, openSqliteStore } from './storage/sqlite/open.ts'
import { welcome } from './welcome.ts'

/** Where the dashboard's build lies. */
const DASHBOARD = join(import.meta.dirname, '../../dashboard/build')

try {
  const config = readConfig(process.argv.slice(2), process.env)
  if (config === 'help') console.log(helpText())
  else await serve(config)
} catch (error) {
  console.error(sentenceOf(error))
  process.exitCode = 1
}

async function serve(config: Config): Promise<void> {
  const { host, port, data, logLevel, basePath, tlsCert, tlsKey } = config
  const store = await openSqliteStore({
    folder: data,
    alerts: { rules: groupedBy(config.groupSeconds), now: Date.now },
  })
  const now = Date.now
  const hub = new Hub(now)
  const ingest = new Ingest(store, hub, now, (error) => app.log.error({ err: error }, 'failed'))
  const access = { operatorToken: config.token, isShared: !isLoopbackName(host), basePath, limits: config }
  const alerts = openAlerts(config, store.deliveries, now, {
    error: (fields, sentence) => app.log.error(fields, sentence),
    info: (fields, sentence) => app.log.info(fields, sentence),
  })
  const app = await buildApp(
    { store, hub, ingest, alerts, now },
    {
      access,
      dashboard: findDashboard(DASHBOARD, basePath),
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
  ingest.start()
  const { address, family, port: bound } = app.server.address() as AddressInfo
  const scheme = tlsCert === undefined ? 'http' : 'https'
  const name = family === 'IPv6' ? `[${address}]` : address
  const isOpen = !access.isShared && config.token === undefined && !(await store.tokens.any())
  const url = `${scheme}://${name}:${bound}${basePath}`
  alerts.start(config.publicUrl ?? url)
  console.log(welcome(url, data, { isOpen, firstToken }))

  const stop = () => {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    ingest.stop()
    hub.close()
    app
      .close()
      .then(() => alerts.stop())
      .then(() => store.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(sentenceOf(error))
          process.exit(1)
        },
      )
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
}

function sentenceOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof CannotOpenStore) return error.message
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE')
    return `Port ${port} is taken: stop what listens there, or choose another with --port.`
  if (code === 'EACCES') return `Port ${port} may not be used by this user: choose one from 1024 with --port.`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
