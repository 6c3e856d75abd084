import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { onTestFinished } from 'vitest'
import { Audit } from '../src/audit/audit.ts'
import { openAlerts } from '../src/alerts/alerts.ts'
import { groupedBy } from '../src/alerts/grouping.ts'
import { buildApp, type AppOptions } from '../src/app.ts'
import { Ingest } from '../src/ingest/ingest.ts'
import { Hub } from '../src/live/hub.ts'
import type { Services } from '../src/services.ts'
import type { AlertOptions } from '../src/storage/alert-store.ts'
import { databaseInPlaceOf } from './postgres.ts'
import { openPostgresStore } from '../src/storage/postgres/open.ts'
import { openSqliteStore } from '../src/storage/sqlite/open.ts'
import type { Store } from '../src/storage/store.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  /** The body as JSON; tests look into it freely. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any
}

export interface TestApp {
  readonly app: FastifyInstance
  readonly services: Services
  readonly folder: string
  /** A request without a socket; `path` is below `/api/v1`. */
  call(method: InjectOptions['method'], path: string, body?: unknown): Promise<Answer>
  inject(options: InjectOptions): Promise<Answer>
  /** Listens on a free port; `http://127.0.0.1:…`. */
  listen(): Promise<string>
}

/** A folder of its own, removed when the test ends. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'normwatch-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The store of a data folder, or the database that stands in for it. */
export async function openStore(folder: string, alerts?: AlertOptions): Promise<Store> {
  const url = await databaseInPlaceOf(folder)
  return url === undefined
    ? openSqliteStore({ folder, ...(alerts && { alerts }) })
    : openPostgresStore({ url, ...(alerts && { alerts }) })
}

/** The real service over a real store in a temporary folder; closed when the test ends. */
export async function startApp({
  now = Date.now,
  folder,
  groupSeconds = 0,
  ...options
}: AppOptions & { now?: () => number; folder?: string; groupSeconds?: number } = {}): Promise<TestApp> {
  const data = folder ?? (await tempFolder())
  const store = await openStore(data, { rules: groupedBy(groupSeconds), now })
  const hub = new Hub(now, store.changes)
  const failures: unknown[] = []
  const ingest = new Ingest(store, hub, now, (error) => failures.push(error))
  const settings = { webhookAllow: '127.0.0.0/8', smtpUrl: undefined, smtpFrom: undefined }
  const alerts = openAlerts(settings, store, ingest.explained.bind(ingest), now, {
    error: (_fields, sentence) => failures.push(new Error(sentence)),
    info: () => undefined,
  })
  const services = { store, hub, ingest, alerts, audit: new Audit(store.audit, now), now }
  const access = { ...options.access, ...(now === Date.now ? {} : { steadyNow: now }) }
  const app = await buildApp(services, { ...options, access })
  onTestFinished(async () => {
    hub.close()
    await app.close()
    await alerts.stop()
    await ingest.stop()
    await store.close()
    if (failures.length > 0) throw new AggregateError(failures, 'background work failed')
  })
  const inject = async (request: InjectOptions): Promise<Answer> => {
    const reply = await app.inject({ ...request, headers: { host: 'localhost', ...request.headers } })
    const isJson = String(reply.headers['content-type']).startsWith('application/json')
    return {
      status: reply.statusCode,
      headers: reply.headers,
      text: reply.payload,
      body: isJson ? reply.json() : undefined,
    }
  }
  return {
    app,
    services,
    folder: data,
    inject,
    call: (method, path, body) =>
      inject({
        method: method as 'GET',
        url: `/api/v1${path}`,
        ...(body === undefined ? {} : { payload: body as object }),
      }),
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    },
  }
}
