import type { FastifyRequest } from 'fastify'

/**
 * Whether a page of this very server sent the request, which a cookie alone does not tell: browsers name the page's
 * origin with every request that changes something and with every socket. What sends neither header is no browser.
 */
export function isSameOrigin({ headers, host }: Pick<FastifyRequest, 'headers' | 'host'>): boolean {
  const { origin } = headers
  if (origin === undefined) return headers['sec-fetch-site'] === 'same-origin'
  return URL.parse(origin)?.host === host
}

/** Whether a request may change something or stays open: those by cookie must come from a page of this server. */
export function needsSameOrigin({ method, headers }: Pick<FastifyRequest, 'method' | 'headers'>): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method) || headers.upgrade !== undefined
}
