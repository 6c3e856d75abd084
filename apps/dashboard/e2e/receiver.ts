import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { WebhookBody } from '@normwatch/protocol'
import { onTestFinished } from 'vitest'

/** Lets a server call a receiver on this machine, at once. */
export const callsReceivers = { NORMWATCH_WEBHOOK_ALLOW: '127.0.0.0/8', NORMWATCH_GROUP_SECONDS: '0' }

/** A real HTTP receiver of webhooks that notes what it gets and answers as the test wants. It ends with the test. */
export async function startReceiver() {
  const got: ReturnType<typeof message>[] = []
  const answer = { status: 200, body: 'taken' }
  const server = createServer(async (request, response) => {
    got.push(message(request.headers, await text(request)))
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

function message(headers: Record<string, unknown>, text: string) {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
  const signatures = String(headers['webhook-signature']).split(' ')
  return {
    id: headers['webhook-id'],
    body: JSON.parse(text) as WebhookBody,
    /** Whether one of the message's signatures is made with this secret (`whsec_…`). */
    signedBy(secret: string): boolean {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
      return signatures.includes(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    },
  }
}
