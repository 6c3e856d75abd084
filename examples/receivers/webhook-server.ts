import { createServer, type IncomingMessage } from 'node:http'
import { NotVerified, verify } from './verify.ts'

/** The start or end of a finding. `docs/alerts.md` lists the fields. */
export interface WebhookEvent {
  type: 'finding.opened' | 'finding.closed' | 'finding.reminder' | 'channel.test'
  finding: {
    id: string
    kind: string
    severity: 'info' | 'warning' | 'critical'
    opened_at: string
    opened_step: number | null
    closed_at: string | null
    close_reason: string | null
    diagnosis: { because: string }[]
  }
  run: { id: string; name: string; project: string; url: string }
}

const MAX_BODY_BYTES = 4 * 1024 * 1024
const REMEMBERED = 10_000

/**
 * Serves a receiver on `port`. Verifies each message, drops messages seen before and passes the events to `take`. If
 * `take` throws, the answer is 500, and Normwatch sends the message again.
 */
export function serveWebhooks(
  port: number,
  secret: string,
  take: (events: WebhookEvent[]) => Promise<void> | void,
) {
  const seen = new Set<string>()
  const accept = async (request: IncomingMessage): Promise<number> => {
    const body = await read(request)
    if (body === undefined) return 413
    verify(secret, request.headers, body, Date.now())
    const id = String(request.headers['webhook-id'])
    if (seen.has(id)) return 204
    await take(eventsOf(JSON.parse(body)))
    seen.add(id)
    const [oldest = ''] = seen
    if (seen.size > REMEMBERED) seen.delete(oldest)
    return 204
  }
  const server = createServer((request, response) => {
    accept(request)
      .catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error)
        return error instanceof NotVerified ? 401 : 500
      })
      .then((status) => response.writeHead(status, { connection: 'close' }).end())
  })
  return server.listen(port, '127.0.0.1', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') console.log(`listening on port ${address.port}`)
  })
}

/** The events of a message, which holds one event or a group of events. */
function eventsOf(message: { type: string; data: unknown }): WebhookEvent[] {
  if (message.type === 'finding.group') return (message.data as { events: WebhookEvent[] }).events
  return [{ type: message.type, ...(message.data as object) } as WebhookEvent]
}

async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
