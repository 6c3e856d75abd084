import proxyAddr from '@fastify/proxy-addr'
import type { FastifyRequest } from 'fastify'
import { personId } from './person.ts'

/** How a reverse proxy that signs people in says who asks. */
export interface ProxyUserSettings {
  /** Lower case. */
  readonly userHeader: string
  /** Lower case; its value lists groups, separated by commas. `undefined`: people have no groups. */
  readonly groupsHeader: string | undefined
  /** The proxies, as NORMWATCH_TRUST_PROXY names them; `'socket'`: whoever connects to the Unix socket. */
  readonly proxies: readonly string[] | 'socket'
}

export interface ProxyUser {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
}

export type ProxyUserReader = (request: Pick<FastifyRequest, 'headers' | 'socket'>) => ProxyUser | undefined

/** Reads who asks from headers, of requests that come directly from one of the proxies. */
export function readerOfProxyUsers({
  userHeader,
  groupsHeader,
  proxies,
}: ProxyUserSettings): ProxyUserReader {
  const isProxy = proxies === 'socket' ? () => true : proxyAddr.compile([...proxies])
  return ({ headers, socket }) => {
    const user = headers[userHeader]
    if (typeof user !== 'string' || !isProxy(socket.remoteAddress ?? '', 0)) return undefined
    // A comma: Node joined two headers, one of which may be the client's.
    if (!/^[^,\p{Cc}]{1,128}$/u.test(user)) return undefined
    const groups = groupsHeader === undefined ? undefined : headers[groupsHeader]
    return {
      id: personId({ issuer: 'proxy', subject: user }),
      name: user,
      groups: typeof groups === 'string' ? groups.split(',').map((group) => group.trim()) : [],
    }
  }
}
