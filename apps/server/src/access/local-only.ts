import type { FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'

/**
 * While there are no tokens, only this machine may talk to the service, and only pages that the service itself served:
 * a `Host` that is neither loopback nor one of `allowedHosts` may be DNS rebinding, and an `Origin` other than this
 * address is another site, unless it is allowed.
 */
export function refuseForeign(
  { headers: { host, origin }, protocol }: FastifyRequest,
  isAdmitted: boolean,
  allowedHosts: readonly string[],
): void {
  const isAllowed = host !== undefined && isListed(host, allowedHosts)
  if (host === undefined || !(isAllowed || isLoopbackHost(host))) throw new Refusal('host_not_allowed')
  if (isAdmitted || origin === undefined || origin === `${protocol}://${host}`) return
  // a proxy that speaks TLS to browsers speaks HTTP to this server
  if (!isAllowed || origin !== `https://${host}`) throw new Refusal('origin_not_allowed')
}

function isListed(host: string, allowed: readonly string[]): boolean {
  const name = host.toLowerCase()
  return allowed.includes(name) || allowed.includes(name.replace(/:\d{1,5}$/, ''))
}

/** Whether a `Host` header (name, optional port) names the loopback interface. */
function isLoopbackHost(host: string): boolean {
  return isLoopbackName(host.replace(/:\d{1,5}$/, ''))
}

export function isLoopbackName(name: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(name)
}
