import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { WebhookBody } from '@normwatch/protocol'
import { onTestFinished } from 'vitest'

/** Lets a server call a receiver on this machine, at once. */
export const callsReceivers = { NORMWATCH_WEBHOOK_ALLOW: '127.0.0.0/8', NORMWATCH_GROUP_SECONDS: '0' }

/** A real HTTP receiver of webhooks that notes what it gets and answers as the test wants. It ends with the test. */
export async function startReceiver() {
  const got: { headers: IncomingHttpHeaders; body: WebhookBody }[] = []
  const answer = { status: 200, body: 'taken' }
  const server = createServer(async (request, response) => {
    got.push({ headers: request.headers, body: JSON.parse(await text(request)) as WebhookBody })
    response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return { url, got, answer }
}
