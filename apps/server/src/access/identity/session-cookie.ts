import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'

export const SESSION_COOKIE = 'normwatch_session'
/** How long a browser stays signed in, in milliseconds; never longer than its token lives. */
export const SESSION_LIVES_MS = 7 * 24 * 3_600_000

/** Scripts cannot read it, other sites cannot send it, and over TLS it never travels in clear. */
export function cookieOptions(basePath: string, secure: boolean): CookieSerializeOptions {
  return { path: basePath === '' ? '/' : basePath, httpOnly: true, sameSite: 'strict', secure }
}

/**
 * Whether a page of this very server sent the request, which a cookie alone does not tell: browsers name the page's
 * origin with every request that changes something and with every socket. What sends neither header is no browser.
 */
export function isSameOrigin({ headers, host }: Pick<FastifyRequest, 'headers' | 'host'>): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  // The browser's own word: no page and no forwarded header can change it.
  if (site === 'cross-site') return false
  if (origin === undefined) return site === 'same-origin'
  const from = URL.parse(origin)?.host
  return from !== undefined && (from === host || from === headers.host)
}

/** Whether a request may change something or stays open: those by cookie must come from a page of this server. */
export function needsSameOrigin({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method) || headers.upgrade?.toLowerCase() === 'websocket'
}
