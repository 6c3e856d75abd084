import cookie from '@fastify/cookie'
import type { Projects } from '@normwatch/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'
import type { BodyGuard } from '../plugins/json-bodies.ts'
import { refuseForeign } from './local-only.ts'
import type { Store } from '../storage/store.ts'
import { OWNER, type Caller } from './identity/caller.ts'
import { confine } from './confine.ts'
import { Authenticator, type Invalid } from './identity/authenticator.ts'
import { createLimiter, type Limiter } from './limits/limiter.ts'
import type { Limits } from './limits/limits.ts'
import { ProjectLimits } from './limits/project-limits.ts'
import { reachOf, refuseElsewhere, refuseRoute } from './may.ts'
import { CrossOrigin } from './cross-origin.ts'
import { ruleFor } from './route-rules.ts'
import { isSameOrigin, needsSameOrigin } from './identity/session-cookie.ts'
import { SESSION_COOKIE } from './identity/session-cookie.ts'
import { Sockets } from './identity/sockets.ts'
import type { People } from './identity/people.ts'
import { readerOfProxyUsers, type ProxyUserReader } from './identity/proxy-user.ts'
import { peopleOf, type PeopleOptions } from './people-settings.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request; `undefined` only on public routes. */
    caller: Caller | undefined
    /** The projects in which the caller may do what the route is for; none on public routes without a caller. */
    reach: Projects
  }
}

export interface AccessOptions {
  /** The admin token of NORMWATCH_TOKEN. */
  readonly operatorToken?: string | undefined
  /** The admin token of `server.json`. */
  readonly localToken?: string | undefined
  /** Whether other machines can reach the server. Left out: they cannot. */
  readonly isShared?: boolean
  /** Whether other users of this machine are asked for a token too, before any was made. Left out: they are not. */
  readonly isPrivate?: boolean
  /** Path that a proxy serves everything below, such as `/normwatch`. */
  readonly basePath?: string
  /** Origins whose pages may record runs here, such as `http://localhost:5173`; left out: none. */
  readonly allowedOrigins?: readonly string[]
  /** How people sign in; left out: only tokens do. */
  readonly people?: PeopleOptions | undefined
  /** Host names by which a proxy reaches a server that requires no token. */
  readonly allowedHosts?: readonly string[]
  /** Other sites may embed the pages in a frame, where signing in must work. */
  readonly isEmbedded?: boolean
  /** Default: no limits. They apply only where tokens are required. */
  readonly limits?: Limits
  /** Monotonic clock in milliseconds, for budgets; defaults to the time since the process started. */
  readonly steadyNow?: () => number
}

/** Bytes of a body that may be read before the caller is known: enough to sign in with a token. */
const MAX_UNAUTHENTICATED_BODY = 4 * 1024

/** Headers that say who asks, and from where. */
const IDENTITY = [
  'authorization',
  'cookie',
  'host',
  'origin',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]

/** What the routes for sessions and tokens need. */
export interface Access {
  readonly authenticator: Authenticator
  readonly people: People | undefined
  /** The address of this server as browsers reach it, if it is known. */
  readonly publicUrl: string | undefined
  readonly sockets: Sockets
  readonly basePath: string
  readonly isEmbedded: boolean
  readonly bodies: BodyGuard
  /** Headers that say who asks, and from where: a request with the same ones is answered to the same caller. */
  readonly identityHeaders: readonly string[]
  readonly projectLimits: ProjectLimits
}

/** Guards every route registered after this, by `routeRules`: over HTTP and for sockets, from upgrade to end. */
export async function controlAccess(
  app: FastifyInstance,
  { store, now }: { readonly store: Store; readonly now: () => number },
  {
    operatorToken,
    localToken,
    isShared = false,
    isPrivate = false,
    basePath = '',
    allowedOrigins = [],
    allowedHosts = [],
    isEmbedded = false,
    people: peopleOptions,
    limits,
    steadyNow = () => performance.now(),
  }: AccessOptions,
): Promise<Access> {
  const people = peopleOptions && peopleOf(peopleOptions, now)
  const proxyUser = peopleOptions?.proxyUsers && readerOfProxyUsers(peopleOptions.proxyUsers)
  const authenticator = new Authenticator(store.tokens, {
    operatorToken,
    localToken,
    asksAnyway: isShared || isPrivate,
    people,
    now,
  })
  const sockets = new Sockets(authenticator, (error) => app.log.error({ err: error }, 'failed'))
  const use = noteUse(store, now)
  const projectLimits = new ProjectLimits(store, steadyNow)
  const crossOrigin = new CrossOrigin(allowedOrigins)
  const callers = new WeakMap<object, Caller>()

  await app.register(cookie)
  const limiter =
    limits === undefined ? undefined : await createLimiter(app, { store, now: steadyNow }, limits, sockets)
  app.decorateRequest('caller', undefined)
  app.decorateRequest('reach')
  app.addHook('onRoute', (route) => {
    for (const one of [route.method].flat()) {
      if (ruleFor(one, route.url).for === 'everybody') route.bodyLimit = MAX_UNAUTHENTICATED_BODY
    }
  })
  app.addHook('onRequest', async (request, reply) => {
    request.reach = []
    const isOpen = await authenticator.isOpen().catch((error: unknown) => {
      if (isHealthCheck(request)) return false
      throw error
    })
    const isAdmitted = crossOrigin.admits(request, reply)
    if (!isOpen) {
      await limiter?.address(request, reply)
      if (reply.sent || isHealthCheck(request)) return
    }
    if (crossOrigin.answersPreflight(request, reply)) return
    if (isOpen) {
      refuseForeign(request, isAdmitted, allowedHosts)
      request.caller = OWNER
      request.reach = 'all'
    } else {
      if (request.is404) {
        // Perhaps a page of the dashboard; else no body is read.
        if (!['GET', 'HEAD'].includes(request.method)) throw new Refusal('route_not_found')
        return
      }
      await admit(request, reply, authenticator, proxyUser, limiter)
      if (request.caller === undefined) return
      use(request.caller)
      await limiter?.caller(request, reply, request.caller)
    }
    if (request.caller !== undefined) callers.set(request.raw, request.caller)
  })
  app.addHook('preHandler', async (request) => {
    const { caller, is404 } = request
    if (caller === undefined || is404) return
    await confine(request, caller, ruleOf(request).project, store.runs)
    if (isLimited(request)) await limiter?.body(request)
    await projectLimits.admit(request)
  })
  app.addHook('onReady', async () => {
    app.websocketServer.on('connection', (socket, raw) => {
      const caller = callers.get(raw)
      if (caller !== undefined) sockets.add(socket, caller)
    })
  })
  app.addHook('preClose', async () => sockets.stop())
  const bodies: BodyGuard = {
    unpack: (request, work) =>
      limiter !== undefined && isLimited(request) ? limiter.unpack(request, work) : work(),
    received: async (request, length) =>
      request.caller === undefined || isLimited(request) ? limiter?.bytes(request, length) : undefined,
  }
  const { publicUrl, proxyUsers } = peopleOptions ?? {}
  const identityHeaders = [
    ...IDENTITY,
    ...[proxyUsers?.userHeader, proxyUsers?.groupsHeader].flatMap((name) => name ?? []),
  ]
  return {
    authenticator,
    people,
    publicUrl,
    sockets,
    basePath,
    isEmbedded,
    bodies,
    identityHeaders,
    projectLimits,
  }
}

/** On an open server the owner is the only caller, and is not limited. */
const isLimited = ({ caller }: FastifyRequest) => caller !== undefined && caller.via !== 'nothing'

/** `/healthz` is answered even when the store fails. */
const isHealthCheck = ({ routeOptions }: FastifyRequest) => routeOptions.url === '/healthz'

const ruleOf = ({ method, routeOptions: { url = '' } }: FastifyRequest) => ruleFor(method, url)

async function admit(
  request: FastifyRequest,
  reply: FastifyReply,
  authenticator: Authenticator,
  proxyUser: ProxyUserReader | undefined,
  limiter: Limiter | undefined,
): Promise<void> {
  const rule = ruleOf(request)
  const caller = await callerOf(request, authenticator, proxyUser)
  if (typeof caller !== 'string') {
    request.caller = caller
    request.reach = reachOf(caller, rule)
  }
  if (rule.for === 'everybody') return
  if (typeof caller === 'string') {
    if (caller !== 'role_missing') {
      await limiter?.unknown(request)
      void reply.header('www-authenticate', 'Bearer realm="normwatch"')
    }
    throw new Refusal(caller)
  }
  refuseElsewhere(caller, request.ip)
  refuseRoute(caller, rule)
}

async function callerOf(
  request: FastifyRequest,
  authenticator: Authenticator,
  proxyUser: ProxyUserReader | undefined,
): Promise<Caller | Invalid> {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    return secret === undefined ? 'token_invalid' : authenticator.bearer(secret)
  }
  const user = proxyUser?.(request)
  const secret = request.cookies[SESSION_COOKIE]
  if (user === undefined && secret === undefined) return 'token_missing'
  // A browser sends both by itself, whichever page asks.
  if (needsSameOrigin(request) && !isSameOrigin(request)) throw new Refusal('origin_not_allowed')
  return user === undefined ? authenticator.cookie(secret as string) : authenticator.proxyUser(user)
}

/** Notes the use of a token, at most once a minute. */
function noteUse(store: Store, now: () => number): (caller: Caller) => void {
  const noted = new Map<string, number>()
  return ({ id, via }) => {
    if (via === 'nothing' || via === 'proxy' || now() - (noted.get(id) ?? -Infinity) < 60_000) return
    noted.set(id, now())
    // The request does not wait for this; a failing store is reported by requests that need it.
    store.tokens.used(id, now()).catch(() => noted.delete(id))
  }
}
