import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import websocket from '@fastify/websocket'
import { MAX_BODY_BYTES, MAX_LIVE_MESSAGE_BYTES } from '@normwatch/protocol'
import Fastify, { LogController, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { controlAccess, type AccessOptions } from './access/access.ts'
import { auditRequests } from './audit/audit-requests.ts'
import type { Retention } from './ingest/retention.ts'
import { RequestCounts } from './metrics/request-counts.ts'
import { withoutBasePath } from './plugins/base-path.ts'
import { closeGracefully } from './plugins/close-gracefully.ts'
import { serveDashboard, type Dashboard } from './plugins/dashboard-files.ts'
import { answer, answerRaw, replyToErrors } from './plugins/error-replies.ts'
import { edgeOptions, watchHttpEdges } from './plugins/http-edges.ts'
import { readJsonBodies } from './plugins/json-bodies.ts'
import { makeWayForShortRequests } from './plugins/make-way.ts'
import { logRequests, requestId } from './plugins/request-log.ts'
import { schemaController } from './plugins/compile-schema.ts'
import { sendSecurityHeaders } from './plugins/security-headers.ts'
import { auditRoutes } from './routes/audit.ts'
import { capRoutes } from './routes/caps.ts'
import { channelRoutes } from './routes/channels.ts'
import { compareRoutes } from './routes/compare.ts'
import { deliveryRoutes } from './routes/deliveries.ts'
import { describeApi } from './routes/docs.ts'
import { eventRoutes } from './routes/events.ts'
import { nameFindingKinds } from './routes/finding-kinds.ts'
import { findingRoutes } from './routes/findings.ts'
import { layerRoutes } from './routes/layers.ts'
import { liveRoute } from './routes/live.ts'
import { mcpRoute } from './routes/mcp.ts'
import { muteRoutes } from './routes/mutes.ts'
import { pointRoutes } from './routes/points.ts'
import { projectRoutes } from './routes/projects.ts'
import { serveSdks } from './routes/sdk-downloads.ts'
import { runRoutes } from './routes/runs.ts'
import { seriesRoutes } from './routes/series.ts'
import { serviceRoutes } from './routes/service.ts'
import { settingsRoutes } from './routes/settings.ts'
import { providerSignOutRoute } from './routes/provider-sign-out.ts'
import { providerRoutes } from './routes/session-oidc.ts'
import { sessionRoutes } from './routes/session.ts'
import { sessionListRoutes } from './routes/sessions.ts'
import { snapshotRoutes } from './routes/snapshot.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { usageRoutes } from './routes/usage.ts'
import type { Services } from './services.ts'

export interface AppOptions extends Pick<FastifyServerOptions, 'logger' | 'trustProxy'> {
  /** Without it there are no pages, only the API. */
  readonly dashboard?: Dashboard | undefined
  /** Default: only this machine reaches the server, and it is open until a token is created. */
  readonly access?: AccessOptions
  /** Origins whose pages may show the dashboard in a frame. */
  readonly embed?: readonly string[]
  /** After how many days of silence runs are removed: the page of usage shows it. */
  readonly retention?: Retention | undefined
  /** PEM texts; with them the server speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
}

/** How long a client may take to send its headers, and how often the server looks for those that take longer. */
const serverOptions = { headersTimeout: 15_000, connectionsCheckingInterval: 2_000, ...edgeOptions }

const api = { prefix: '/api/v1' }

/** The whole service over these services, ready to listen or to be injected into. Closing it leaves the services open. */
export async function buildApp(
  services: Services,
  { dashboard, access: accessOptions = {}, embed = [], retention, tls, ...options }: AppOptions = {},
): Promise<FastifyInstance> {
  const app = Fastify({
    ...options,
    ...(tls === undefined ? { http: serverOptions } : ({ https: { ...tls, ...serverOptions } } as object)),
    rewriteUrl: ({ url = '/' }) => withoutBasePath(url, accessOptions.basePath ?? ''),
    genReqId: requestId,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    connectionTimeout: 120_000,
    requestTimeout: 60_000,
    keepAliveTimeout: 75_000,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1_000 },
    frameworkErrors: answer,
    clientErrorHandler: answerRaw,
    schemaController,
  }).withTypeProvider<TypeBoxTypeProvider>()

  // Before the hooks that refuse: it cuts the socket of an upgrade that they refused.
  await app.register(websocket, {
    options: { maxPayload: MAX_LIVE_MESSAGE_BYTES },
    // A client's fault on its socket ends the socket; it is not an error of the server.
    errorHandler: (error, socket, request) => {
      request.log.info({ err: error }, 'socket broke')
      socket.terminate()
    },
  })
  const counts = new RequestCounts()
  counts.watch(app)
  logRequests(app)
  replyToErrors(app)
  watchHttpEdges(app)
  makeWayForShortRequests(app)
  sendSecurityHeaders(app, dashboard?.inlineScripts ?? [], embed)
  closeGracefully(app)
  const access = await controlAccess(app, services, { ...accessOptions, isEmbedded: embed.length > 0 })
  readJsonBodies(app, access.bodies)
  auditRequests(app, services.store, services.audit)

  nameFindingKinds(app)
  await describeApi(app)
  await app.register(runRoutes(services), api)
  await app.register(pointRoutes(services), api)
  await app.register(eventRoutes(services), api)
  await app.register(seriesRoutes(services), api)
  await app.register(layerRoutes(services), api)
  await app.register(capRoutes(services), api)
  await app.register(snapshotRoutes(services), api)
  await app.register(compareRoutes(services), api)
  await app.register(settingsRoutes(services), api)
  await app.register(findingRoutes(services, access), api)
  await app.register(channelRoutes(services), api)
  await app.register(deliveryRoutes(services), api)
  await app.register(muteRoutes(services), api)
  await app.register(projectRoutes(services), api)
  await app.register(liveRoute(services), api)
  await app.register(tokenRoutes(services, access), api)
  await app.register(sessionRoutes(services, access), api)
  await app.register(providerRoutes(services, access), api)
  await app.register(providerSignOutRoute(services, access), api)
  await app.register(sessionListRoutes(services, access), api)
  await app.register(auditRoutes(services), api)
  await app.register(usageRoutes(services, access, retention), api)
  await app.register(mcpRoute(access))
  await app.register(serviceRoutes(services, counts))
  serveSdks(app, access)
  await serveDashboard(app, dashboard)
  return app
}
