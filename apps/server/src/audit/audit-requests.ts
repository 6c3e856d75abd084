import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onSendAsyncHookHandler,
  preHandlerAsyncHookHandler,
} from 'fastify'
import { RunNotFound, type Store } from '../storage/store.ts'
import type { Audit } from './audit.ts'
import { auditedRoutes, changeOfRun, type Audited, type Describe, type Facts } from './audited-routes.ts'

/**
 * Records every successful request that `auditedRoutes` names, after it was done and before its reply is sent: no
 * secret, export or confirmation leaves the server before its entry is durable. Where the entry cannot be stored, the
 * reply is the failure; that of an export goes to the server's log, and the data are given out.
 */
export function auditRequests(app: FastifyInstance, store: Store, audit: Audit): void {
  app.addHook('onRoute', (route) => {
    const describe = auditedRoutes[`${String(route.method)} ${route.url}`]
    if (describe === undefined) return
    const isOfRun = route.url.startsWith('/api/v1/runs/:id')
    const projects = new WeakMap<FastifyRequest, string>()
    const noteProject: preHandlerAsyncHookHandler = async (request) => {
      if (!isRecorded(describe, request)) return
      try {
        projects.set(request, (await store.runs.get((request.params as { id: string }).id)).project)
      } catch (error) {
        if (!(error instanceof RunNotFound)) throw error
      }
    }
    const record: onSendAsyncHookHandler = async (request, reply, payload) => {
      const { caller, ip } = request
      if (caller === undefined || reply.statusCode >= 400 || !isRecorded(describe, request)) return
      const audited = describe(factsOf(request, reply, payload))
      if (audited === undefined) return
      const entry: Audited = { ...audited, project: audited.project ?? projects.get(request) ?? null }
      if (request.method !== 'GET') return audit.record(caller, ip, entry)
      // a server that cannot write still gives its data out
      await audit.recordExport(caller, ip, entry).catch((error: unknown) => {
        request.log.error({ err: error, by: caller.id, address: ip, entry }, 'not in the audit log')
      })
    }
    if (isOfRun) route.preHandler = [route.preHandler ?? [], noteProject].flat()
    route.onSend = [route.onSend ?? [], record].flat()
  })
}

/** Recorders change runs all the time: their requests need no look at the run. */
const isRecorded = (describe: Describe, request: FastifyRequest) =>
  describe !== changeOfRun || isPersonal(request)

/** A person, in a browser or with an admin token; recorders use other tokens. Browsers send an origin with every change; on an open server, nothing else tells a person from a recorder. */
function isPersonal({ caller, headers }: FastifyRequest): boolean {
  if (caller?.via === 'nothing') return headers.origin !== undefined
  return caller?.via === 'cookie' || caller?.grants.some(({ scope }) => scope === 'admin') === true
}

function factsOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): Facts {
  const isJson =
    request.method !== 'GET' && String(reply.getHeader('content-type')).startsWith('application/json')
  return {
    params: request.params as Facts['params'],
    query: request.query as Facts['query'],
    body: (request.body ?? {}) as Facts['body'],
    reply: isJson && typeof payload === 'string' ? (JSON.parse(payload) as Facts['reply']) : {},
    status: reply.statusCode,
  }
}
