import { request } from 'node:http'
import { Readable } from 'node:stream'
import { socketOf } from '../server-address.ts'

/** `fetch` that also accepts addresses such as `unix:/path/nw.sock/api/v1/runs`, which Node's `fetch` does not. */
export function fetchServer(
  address: string | URL | globalThis.Request,
  init: RequestInit = {},
): Promise<Response> {
  const where = typeof address === 'string' ? socketOf(address) : undefined
  if (where === undefined) return fetch(address, init)
  const { method = 'GET', body, signal } = init
  const headers = { host: 'localhost', ...Object.fromEntries(new Headers(init.headers)) }
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, method, headers, ...(signal != null && { signal }) }, (reply) => {
      const { statusCode: status = 502, headersDistinct } = reply
      const pairs = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      )
      const hasBody = ![101, 204, 205, 304].includes(status)
      if (!hasBody) reply.resume()
      resolve(
        new Response(hasBody ? (Readable.toWeb(reply) as ReadableStream) : null, { status, headers: pairs }),
      )
    })
    sent.once('error', reject)
    if (body instanceof ArrayBuffer) sent.end(Buffer.from(body))
    else sent.end(typeof body === 'string' || body instanceof Uint8Array ? body : undefined)
  })
}
