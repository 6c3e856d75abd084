import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'

export const SESSION_COOKIE = 'normwatch_session'
/** How long a browser stays signed in, in milliseconds; never longer than its token lives. */
export const SESSION_LIVES_MS = 7 * 24 * 3_600_000

/**
 * Scripts cannot read it, other sites cannot send it, and over TLS it never travels in clear. In a frame on another
 * site, the cookie must be sendable by other sites: partitioned by site, and only over secure connections.
 */
export function cookieOptions(
  { protocol, hostname }: Pick<FastifyRequest, 'protocol' | 'hostname'>,
  { basePath, isEmbedded }: { readonly basePath: string; readonly isEmbedded: boolean },
): CookieSerializeOptions {
  const common = { path: basePath === '' ? '/' : basePath, httpOnly: true }
  const isTrustworthy = protocol === 'https' || /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(hostname)
  if (isEmbedded && isTrustworthy) return { ...common, sameSite: 'none', secure: true, partitioned: true }
  return { ...common, sameSite: 'strict', secure: protocol === 'https' }
}

/**
 * Whether a page of this server sent the request, which a cookie alone does not prove: browsers name the page's
 * origin with every request that changes something and with every socket. A client that sends neither header is not a browser.
 */
export function isSameOrigin({ headers, host }: Pick<FastifyRequest, 'headers' | 'host'>): boolean {
  const { origin, 'sec-fetch-site': site } = headers
  // Set by the browser itself: no page and no forwarded header can change it.
  if (site === 'cross-site') return false
  if (origin === undefined) return site === 'same-origin'
  const from = URL.parse(origin)?.host
  return from !== undefined && (from === host || from === headers.host)
}

/** Whether a request may change something or stays open: those by cookie must come from a page of this server. */
export function needsSameOrigin({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method) || headers.upgrade?.toLowerCase() === 'websocket'
}
