import { request as http } from 'node:http'
import { request as https } from 'node:https'
import { isIPv6 } from 'node:net'
import { configWith } from './options.ts'

/** Resolves with 0 when the server of this environment answers on this machine, else with 1. For a container's health check. */
export function healthCommand(): Promise<number> {
  const { host, port, tlsCert } = configWith(undefined)
  const anywhere = host === '0.0.0.0' || host === '::'
  const options = { host: anywhere ? 'localhost' : host, port, path: '/healthz', timeout: 4_000 }
  // It asks itself: that the certificate names another host than this address is no fault.
  const ask = tlsCert === undefined ? http(options) : https({ ...options, rejectUnauthorized: false })
  ask.setHeader('host', isIPv6(host) ? `[${host}]:${port}` : `${options.host}:${port}`)
  return new Promise((resolve) => {
    ask.once('response', (reply) => {
      reply.resume()
      resolve(reply.statusCode === 200 ? 0 : 1)
    })
    ask.once('timeout', () => ask.destroy(new Error('no answer in time')))
    ask.once('error', ({ message }) => {
      console.error(message)
      resolve(1)
    })
    ask.end()
  })
}
